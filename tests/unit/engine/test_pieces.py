"""State of a newer program is refused by name: an older one would drop what it does not know."""

from dataclasses import replace

import numpy as np
import pytest

from engine.partition import Partition
from engine.pieces import Piece
from infra.calendars import load_calendars
from tests.support.lab import MINUTE, Lab, utc, watch

NOON = utc("2025-11-05T12:00:00")


def taken() -> list[Piece]:
    """A symbol's pieces, of live figures and of bars."""
    lab = Lab(watch("price", "ema(3)"))
    for minute in range(4):
        lab.trade(NOON + minute * MINUTE, 10 + minute)
    return [lab.partition.export_piece(key) for key in lab.partition.all_pieces()]


@pytest.mark.parametrize("column", ["symbol:mood", "weather:rain", "count:3m", "nothing"])
def test_a_column_that_is_not_kept(column: str) -> None:
    fresh = Partition(0, None, load_calendars())
    [live] = [piece for piece in taken() if piece.key.startswith("live/")]
    fresh.import_piece(live)
    newer = replace(live, columns={**live.columns, column: np.zeros(len(live.symbols))})
    with pytest.raises(ValueError, match=rf"^{live.key}: holds what this program does not keep"):
        fresh.import_piece(newer)


def test_bars_and_kinds_that_are_not_kept() -> None:
    fresh = Partition(0, None, load_calendars())
    bars = next(piece for piece in taken() if piece.key.startswith("bars/1m/"))
    for key in ("bars/3m/0/0", "moods/0"):
        with pytest.raises(ValueError, match=rf"^{key}: holds what this program does not keep"):
            fresh.import_piece(replace(bars, key=key))
