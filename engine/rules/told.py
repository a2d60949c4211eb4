"""Figures that are told at the closes of bars: with what they were just before, as rules on bar close see them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from engine.rules.evaluate import Evaluation
from engine.rules.tree import Node
from engine.view import View
from schemas.metrics import MetricValues


def values_at_close(groups: Iterable[Sequence[Node]], view: View, evaluation: Evaluation) -> list[MetricValues]:
    """A record a group and member of a view of closing bars."""
    assert view.closing is not None
    frame, names = view.closing, view.state.symbols.names
    symbols = [names[number] for number in view.members.tolist()]
    starts, times = view.bar0_bounds_ns(frame)[0].tolist(), view.row_ts.tolist()
    told: list[MetricValues] = []
    for group in groups:
        texts = tuple(node.text for node in group)
        rows = np.column_stack([evaluation.number(node) for node in group]).tolist()
        told += [
            MetricValues(symbol, frame.name, start, ts, texts, values)
            for symbol, start, ts, values in zip(symbols, starts, times, rows, strict=True)
        ]
    return told
