"""Cuts the text of a rule into tokens, each with its column."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from schemas.rule import RuleError

MAX_TEXT: Final = 4_000

END: Final = "end"
NUMBER: Final = "number"
DURATION: Final = "duration"
TIME: Final = "time"
TEXT: Final = "text"
NAME: Final = "name"
SYMBOL: Final = "symbol"

_TOKEN: Final = re.compile(
    r"""\s*(?:
      (?P<time>[0-9]{1,2}:[0-9]{2})(?![0-9A-Za-z_:])
    | (?P<duration>[0-9]{1,6}(?:s|m|h|d))(?![0-9A-Za-z_])
    | (?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?:[kM](?![0-9A-Za-z_])|%)?)(?![0-9A-Za-z_])
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | "(?P<text>[^"\n]{0,64})"
    | (?P<symbol>>=|<=|==|!=|[-+*/<>(),\[\]])
    )""",
    re.VERBOSE | re.ASCII,
)


class Token(NamedTuple):
    """`column` counts from 1."""

    kind: str
    text: str
    column: int


def tokens(source: str, where: str) -> list[Token]:
    """All tokens, an END behind them. RuleError for what begins none."""
    if len(source) > MAX_TEXT:
        raise RuleError(where, f"longer than {MAX_TEXT} characters")
    found, at, end = [], 0, len(source.rstrip())
    while at < end:
        match = _TOKEN.match(source, at)
        if match is None:
            at += len(source[at:]) - len(source[at:].lstrip())
            raise RuleError(
                f"{where}, column {at + 1}", f"{source[at : at + 20]!r} begins nothing that a rule is made of"
            )
        kind = str(match.lastgroup)
        found.append(Token(kind, match[kind], match.start(kind) + 1))
        at = match.end()
    return [*found, Token(END, "", len(source) + 1)]
