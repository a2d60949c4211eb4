"""Which rings of closed bars are held: some always, the others from when a rule uses their timeframe, made of the bars
that are held always."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.history import FIELDS
from engine.segments import Index
from engine.state import POWERS, BarState, DayState, PartitionState
from engine.timeframes import ROLL_UPS, Timeframe


def hold(state: PartitionState, used: Collection[Timeframe], symbols: Index) -> None:
    """A rule set comes into force for `symbols` whose rules use these timeframes."""
    for timeframe in ROLL_UPS:
        history = state.history[timeframe.name]
        if timeframe.base is None or history.held == (timeframe in used):
            continue
        if history.held:
            history.release(symbols)
        else:
            history.held = True
            _fill(state, timeframe, timeframe.base, symbols[~history.imported[symbols]])


def _fill(state: PartitionState, timeframe: Timeframe, base_name: str, symbols: Index) -> None:
    """Roll the kept bars of the base up, but for the running bar, and for the oldest where bars before it are gone."""
    base, history = state.history[base_name], state.history[timeframe.name]
    kept = np.minimum(base.count[symbols], base.timeframe.kept)
    partial = base.count[symbols] > kept
    bars: dict[str, NDArray[Any]] = {name: np.zeros(len(symbols)) for name in FIELDS}
    bars["start"] = np.full(len(symbols), -1, np.int64)
    for step in range(int(kept.max()) if len(kept) else 0):
        going = np.flatnonzero(step < kept)
        members = symbols[going]
        number = base.count[members] - kept[going] + step
        minute = base.at("start", members, number).astype(np.int64)
        start, _ = timeframe.bounds(minute, state.clock.info(minute, state.symbol.market[members]))
        new = start != bars["start"][going]
        whole = going[new & (bars["start"][going] >= 0) & ~partial[going]]
        history.push(symbols[whole], {name: values[whole] for name, values in bars.items()})
        partial[going[new & (bars["start"][going] >= 0)]] = False
        bar = {name: base.at(name, members, number) for name in FIELDS} | {"start": start}
        _join(bars, bar, going, new)
    last = np.flatnonzero((bars["start"] >= 0) & ~partial)
    last = last[state.roll_ups[timeframe.name].start[symbols[last]] != bars["start"][last]]
    history.push(symbols[last], {name: values[last] for name, values in bars.items()})
    settle(state, timeframe.name)


def _join(bars: dict[str, NDArray[Any]], bar: dict[str, NDArray[Any]], going: Index, new: NDArray[np.bool_]) -> None:
    """Add one bar of the base to each of `going`; `new`: it is the first of its bar."""
    before = {name: values[going] for name, values in bars.items()}
    joined = {
        "start": bar["start"],
        "open": before["open"],
        "high": np.maximum(before["high"], bar["high"]),
        "low": np.minimum(before["low"], bar["low"]),
        "close": bar["close"],
        "volume": before["volume"] + bar["volume"],
        "trades": before["trades"] + bar["trades"],
    }
    for name, values in bars.items():
        values[going] = np.where(new, bar[name], joined[name])


def settle(state: PartitionState, name: str) -> None:
    """Bring the newest closed bars in a ring to what is known of them besides: what a later trade can have amended."""
    bars, history = state.closed[name], state.history[name]
    if not history.held:
        return
    members = np.flatnonzero((bars.start[: state.known] >= 0) & (history.count[: state.known] > 0))
    members = members[~np.isnan(bars.open[members])]
    members = members[history.newest("start", members) == bars.start[members]]
    fields = ring_fields(state, bars, members)
    differs = np.zeros(len(members), bool)
    for field_name, values in fields.items():
        differs |= history.newest(field_name, members) != values
    if differs.any():
        history.replace_newest(members[differs], {field_name: values[differs] for field_name, values in fields.items()})


def ring_fields(state: PartitionState, bars: BarState | DayState, members: Index) -> dict[str, NDArray[Any]]:
    """What the history keeps of the bars of `members`."""
    fields: dict[str, NDArray[Any]] = {
        name: getattr(bars, name)[members] for name in ("start", "open", "high", "low", "close", "trades")
    }
    fields["volume"] = bars.volume[members] / POWERS[state.symbol.size_scale[members]]
    return fields
