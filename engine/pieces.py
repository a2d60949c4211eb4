"""The state of a partition in pieces: what a checkpoint stores and a restart puts back. Columns only; bytes are the
store's business.

`live/SHARD`: all columns, indicator states and fire times of the shard's symbols. `bars/TIMEFRAME/GROUP/SHARD`: 16
ring slots of their closed bars.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine import memory, rings
from engine.history import SLOTS
from engine.scanner import Scanner
from engine.segments import Index
from engine.state import PartitionState

REMEMBERED: Final = "remembered:"


@dataclass(frozen=True, slots=True)
class Header:
    """What a partition knows besides its symbols: `position` = offset of the last record applied, time, and the rule
    set in force."""

    position: int = -1
    watermark_ns: int = 0
    heartbeats: dict[str, int] = field(default_factory=dict)
    rule_set: str | None = None
    rule_set_seq: int = -1


@dataclass(slots=True)
class Piece:
    """A part of the state at `header.position`. The last axis of every column counts `symbols`, or the first of a
    column two wide."""

    key: str
    header: Header
    symbols: list[str]
    columns: dict[str, NDArray[Any]]


def changed_shards(state: PartitionState) -> list[int]:
    """Shards of which any piece has changed since it was taken."""
    found: list[int] = np.unique(state.origin.shard[np.flatnonzero(state.origin.changed)]).tolist()
    return found


def changed(state: PartitionState, shard: int) -> list[str]:
    """Keys of the shard's pieces with changes since they were taken, those of closed bars first and never without the
    `live/` piece that knows of them. To be taken at once: a step in between may change others."""
    members = np.flatnonzero(state.origin.shard[: state.known] == shard)
    if not state.origin.changed[members].any():
        return []
    keys = [
        f"bars/{name}/{group}/{shard}"
        for name, history in state.history.items()
        for group in np.flatnonzero(history.dirty[:, members].any(axis=1)).tolist()
    ]
    return [*keys, f"live/{shard}"]


def present(state: PartitionState) -> list[str]:
    """Keys of all pieces that hold anything."""
    shard = state.origin.shard[: state.known]
    keys = []
    for name, history in state.history.items():
        for group in range(len(history.dirty)):
            filled = np.flatnonzero(history.count[: state.known] > group * SLOTS)
            keys += [f"bars/{name}/{group}/{s}" for s in np.unique(shard[filled]).tolist()]
    return keys + [f"live/{s}" for s in np.unique(shard).tolist()]


def take(state: PartitionState, scanner: Scanner, key: str, header: Header) -> Piece:
    """Copy a piece and count it as unchanged. Raises KeyError for a key of another form."""
    kind, *rest = key.split("/")
    members = np.flatnonzero(state.origin.shard[: state.known] == int(rest[-1]))
    if kind == "live":
        state.origin.changed[members] = False
        return Piece(key, header, _names(state, members), _live_columns(state, scanner, members))
    history, group = state.history[rest[0]], int(rest[1])
    members = members[history.count[members] > group * SLOTS]
    history.dirty[group, members] = False
    return Piece(key, header, _names(state, members), history.take_slots(members, group))


def put(state: PartitionState, scanner: Scanner, piece: Piece) -> None:
    """Put a piece back into the state of a fresh partition. Raises ValueError for one that does not belong there."""
    _check_known(state, piece)
    members = np.array([state.symbols[name] for name in piece.symbols], np.intp)
    if (members < 0).any():
        raise ValueError(f"{piece.key}: holds symbols that do not belong to this partition")
    if state.admit():
        scanner.grow(state.capacity)
    kind, *rest = piece.key.split("/")
    if kind == "bars":
        state.history[rest[0]].put_slots(members, int(rest[1]), piece.columns)
        return
    state.origin.skip_through[members] = piece.header.position
    for name, values in piece.columns.items():
        group, _, column = name.partition(":")
        if group == "count":
            state.history[column].count[members] = values
            state.history[column].imported[members] = True
        elif not name.startswith(REMEMBERED):
            getattr(state.groups()[group], column)[members] = values
    remembered: dict[str, dict[str, NDArray[Any]]] = {}
    for name, values in piece.columns.items():
        if name.startswith(REMEMBERED):
            text, _, column = name.removeprefix(REMEMBERED).rpartition(":")
            remembered.setdefault(text, {})[column] = values
    for text, columns in remembered.items():
        scanner.imported.setdefault(text, []).append((members, columns))


def _check_known(state: PartitionState, piece: Piece) -> None:
    """What a newer program keeps is not dropped in silence: it would be gone with the next checkpoint."""
    kind, *rest = piece.key.split("/")
    groups = state.groups()
    known = rest[0] in state.history if kind == "bars" else kind == "live"
    for name in piece.columns if kind == "live" else ():
        group, _, column = name.partition(":")
        if group == "count":
            known &= column in state.history
        elif not name.startswith(REMEMBERED):
            known &= hasattr(groups.get(group), column)
    if not known:
        raise ValueError(f"{piece.key}: holds what this program does not keep; run the one that wrote it")


def settle(state: PartitionState) -> None:
    """After all pieces: bring the newest closed bars to what the live figures know of them. A piece of bars may be
    newer than they are, and the newest bar is the one that a later trade can have amended."""
    for name in state.closed:
        rings.settle(state, name)


def _live_columns(state: PartitionState, scanner: Scanner, members: Index) -> dict[str, NDArray[Any]]:
    """Columns that hold nothing but defaults are left out."""
    columns: dict[str, NDArray[Any]] = {
        f"count:{name}": history.count[members] for name, history in state.history.items() if history.held
    }
    for group_name, group in state.groups().items():
        columns |= {f"{group_name}:{name}": values for name, values in group.altered(members).items()}
    for text, one in scanner.stateful().items():
        columns |= {f"{REMEMBERED}{text}:{name}": values for name, values in memory.take(one, members).items()}
    return columns


def _names(state: PartitionState, members: Index) -> list[str]:
    return [state.symbols.names[number] for number in members.tolist()]
