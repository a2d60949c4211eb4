"""A batch in parts is the same batch: every trade, event and refusal once, and no record cut in two."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from schemas.batch import SECOND_NS, Rejected, TickBatch, Trades
from schemas.control import Heartbeat, Mark

MOST = 1_000
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
            marks.append(Mark(len(offsets), offset, Heartbeat("test", trades * SECOND_NS // 3)))
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
        assert before.trades.offset.max(initial=-1) <= before.last_offset < after.trades.offset.min(initial=MOST)
        assert all(mark.offset <= before.last_offset for mark in before.marks)
        assert all(mark.offset > before.last_offset for mark in after.marks)


@given(records=st.lists(RECORD, max_size=30), most=st.integers(8, 12))
def test_parts_without_closes_are_no_smaller_than_asked_for(records: list[tuple[str, int, int]], most: int) -> None:
    batch = batch_of([one for one in records if one[0] != MARK])
    assert all(len(part.trades) >= most for part in list(batch.parts(most))[:-1])


def test_a_heartbeat_that_closes_bars_has_a_part_to_itself() -> None:
    batch = batch_of([*[(TRADES, 1, 1)] * 5, (MARK, 1, 1), *[(TRADES, 1, 1)] * 5])
    assert [(len(part.trades), len(part.marks)) for part in batch.parts(16)] == [(5, 0), (0, 1), (5, 0)]
    assert [part.last_offset for part in batch.parts(16)] == [5, 6, 11]


def test_one_within_a_minute_has_none() -> None:
    batch = batch_of([*[(TRADES, 1, 1)] * 5, (MARK, 5, 1), *[(TRADES, 1, 1)] * 5])
    assert list(batch.parts(16)) == [batch]


def test_a_few_trades_stay_with_the_close() -> None:
    batch = batch_of([(TRADES, 1, 1), (MARK, 1, 1), *[(TRADES, 1, 1)] * 5])
    assert [(len(part.trades), len(part.marks)) for part in batch.parts(16)] == [(1, 1), (5, 0)]


def test_a_heartbeat_made_for_a_record_stays_before_it() -> None:
    batch = batch_of([(TRADES, 1, 1)] * 10)
    batch.marks = [Mark(5, int(batch.trades.offset[5]), Heartbeat("test", 0))]
    assert [(len(part.trades), len(part.marks)) for part in batch.parts(16)] == [(5, 0), (5, 1)]


def test_a_batch_that_is_small_enough_is_its_only_part() -> None:
    batch = batch_of([(TRADES, 5, 1), (MARK, 5, 1)])
    assert list(batch.parts(5)) == [batch]
