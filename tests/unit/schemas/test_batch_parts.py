"""A batch in parts is the same batch: every trade, event and refusal once, and no record cut in two."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from schemas.batch import Rejected, TickBatch, Trades
from schemas.control import Heartbeat, Mark

TRADES, MARK, REFUSED = "trades", "mark", "refused"
RECORD = st.tuples(st.sampled_from([TRADES, MARK, REFUSED]), st.integers(1, 5), st.integers(1, 3))


def batch_of(records: list[tuple[str, int, int]]) -> TickBatch:
    """Records of so many trades each, with gaps in the offsets, and other records between them."""
    offsets, marks, rejected, offset = list[int](), list[Mark](), list[Rejected](), 0
    for kind, trades, gap in records:
        offset += gap
        if kind == TRADES:
            offsets += [offset] * trades
        elif kind == MARK:
            marks.append(Mark(len(offsets), offset, Heartbeat("test", offset)))
        else:
            rejected.append(Rejected(offset, -1, "no tick"))
    made = Trades.empty().take(np.zeros(0, np.intp))
    columns = {name: np.zeros(len(offsets), getattr(made, name).dtype) for name in Trades.__slots__}
    columns |= {"offset": np.array(offsets, np.int64), "ts": np.arange(len(offsets))}
    return TickBatch(Trades(**columns), marks, rejected, len(records), offset)


@given(records=st.lists(RECORD, max_size=30), most=st.integers(1, 12))
def test_parts_are_the_batch(records: list[tuple[str, int, int]], most: int) -> None:
    batch = batch_of(records)
    parts = list(batch.parts(most))
    rows = [0, *np.cumsum([len(part.trades) for part in parts]).tolist()]
    assert [ts for part in parts for ts in part.trades.ts.tolist()] == batch.trades.ts.tolist()
    assert [one for part in parts for one in part.rejected] == batch.rejected
    moved = [(mark.row + begin, mark.offset) for part, begin in zip(parts, rows, strict=False) for mark in part.marks]
    assert moved == [(mark.row, mark.offset) for mark in batch.marks]
    assert sum(part.records for part in parts) == batch.records
    assert parts[-1].last_offset == batch.last_offset
    for before, after in pairwise(parts):
        assert before.trades.offset.max(initial=-1) <= before.last_offset < after.trades.offset.min()
        assert len(before.trades) >= most, "no smaller than asked for"


def test_a_batch_that_is_small_enough_is_its_only_part() -> None:
    batch = batch_of([(TRADES, 5, 1), (MARK, 1, 1)])
    assert list(batch.parts(5)) == [batch]
