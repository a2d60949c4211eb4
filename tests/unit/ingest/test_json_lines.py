"""Lines of a file that are no trades go to the partition of their symbol."""

from ingest.json_lines import JsonLines

HALT = b'{"symbol":"AAA","ts":1762160310414814189,"kind":"status","status":"halted"}'
TICK = b'{"symbol":"AAA","ts":1762160310414814189,"price":10,"size":1}'
FLOAT = b'{"symbol":"AAA","ts":1762160310414814189,"kind":"reference","float":2e7,"tags":["sp500"]}'
ODD = b'{"symbol":"AAA","ts":1762160310414814189,"kind":"status","status":"asleep"}'


def test_a_halt_is_placed_by_its_symbol() -> None:
    batch = JsonLines().read([HALT + b"\n"], 1, "file")
    assert [(placed.symbol, placed.value) for placed in batch.placed] == [("AAA", HALT)]


def test_reference_records_are_placed_by_their_symbol_among_the_ticks() -> None:
    batch = JsonLines().read(
        [TICK, FLOAT, TICK, b'{"kind":"reference","symbol":"AAA","ts":1762160310414814189}'], 1, "f"
    )
    assert [(placed.row, placed.symbol, placed.value) for placed in batch.placed] == [(1, "AAA", FLOAT)]
    assert [refused.position for refused in batch.refused] == [4]


def test_a_status_that_nobody_knows_is_refused() -> None:
    batch = JsonLines().read([ODD], 1, "file")
    assert [refused.reason for refused in batch.refused] == ["status: 'asleep' is none of halted, resumed"]
