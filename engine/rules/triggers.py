"""When a rule that is true tells it: on every row, when it becomes true, once a bar or session, at a bar's close."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from engine.rules.parser import parse_condition
from engine.rules.tree import Node
from engine.timeframes import BY_NAME, Timeframe
from schemas.alert import NO_LIMITS, Limits
from schemas.rule import (
    BAR_CLOSE,
    BECOMES_TRUE,
    ONCE_PER_BAR,
    TRIGGERS,
    RuleBody,
    RuleError,
)

MAX_RUNAWAY_FIRES: Final = 100
MAX_FIRES: Final = 10**9


@dataclass(frozen=True, slots=True)
class Trigger:
    """`frame`: the timeframe of `once_per_bar` and `bar_close`. `rearm`: what must have been true before a rule that
    became true can do so again (None: not true is enough). 0: no limit. `limits`: as alerts say them."""

    kind: str
    cooldown_ns: int
    frame: Timeframe | None = None
    rearm: Node | None = None
    expires_ns: int = 0
    max_fires: int = 0
    runaway_fires: int = 0
    runaway_ns: int = 0
    limits: Limits = NO_LIMITS

    @property
    def text(self) -> str:
        """As alerts say it."""
        return f"{self.kind} {self.frame.name}" if self.frame is not None else self.kind

    @property
    def closes(self) -> Timeframe | None:
        """The timeframe whose closes are the only rows that the rule is tried on, None: all rows are."""
        return self.frame if self.kind == BAR_CLOSE else None


def trigger_of(body: RuleBody, where: str) -> Trigger:
    """The trigger of a rule body. RuleError for one that this version does not know."""
    if body.trigger not in TRIGGERS:
        known = ", ".join(TRIGGERS)
        raise RuleError(where, f"unknown trigger {body.trigger!r}; known are {known}")
    frame = BY_NAME.get(body.timeframe)
    needs_frame = body.trigger in (ONCE_PER_BAR, BAR_CLOSE)
    if needs_frame != bool(body.timeframe) or (needs_frame and frame is None):
        raise RuleError(where, f"the trigger {body.trigger} and the timeframe {body.timeframe!r} do not go together")
    if not 0 <= body.max_fires <= MAX_FIRES:
        raise RuleError(where, f"max_fires: {body.max_fires} is not a number of fires")
    if body.rearm and body.trigger != BECOMES_TRUE:
        raise RuleError(where, f"only {BECOMES_TRUE} has a rearm condition")
    if body.runaway_fires and not (2 <= body.runaway_fires <= MAX_RUNAWAY_FIRES and body.runaway_ns > 0):
        raise RuleError(where, f"runaway: needs 2 to {MAX_RUNAWAY_FIRES} fires within a time")
    limits = Limits(body.cooldown_ns, body.rearm, body.expires_ns, body.max_fires, body.runaway_fires, body.runaway_ns)
    return Trigger(
        body.trigger,
        body.cooldown_ns,
        frame,
        parse_condition(body.rearm, f"{where}.rearm") if body.rearm else None,
        body.expires_ns,
        body.max_fires,
        body.runaway_fires,
        body.runaway_ns,
        limits if limits != NO_LIMITS else NO_LIMITS,  # the very default: only that one is left out of an alert
    )
