"""What a replay gives as Parquet is all that its lines hold."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest

from app.replay_parquet import write_parquet
from schemas.alert import AlertBody, Leaf, Limits, encode_body
from schemas.bar import encode_bar
from tests.support.alerts import START_NS, make_alert, make_bar

BARS = {"1m": START_NS, "5m": START_NS - 60 * 10**9}
DEEP = Leaf(
    "price > vwap or not halted == 1",
    None,
    "or",
    None,
    True,
    parts=(
        Leaf("price", 10.5, ">", None, None, against="vwap"),
        Leaf("not halted == 1", None, "not", None, True, parts=(Leaf("halted", 0.0, "==", 1.0, False),)),
    ),
)
CROSS = Leaf("ema(2, 1m)", 3.0, "crosses_above", 2.0, True, "ema(3, 5m)", (1.0, None), bars=BARS)


LIMITS = Limits(60_000_000_000, "price < 5", 1, 2, 3, 4)


def body_of(row: dict[str, Any]) -> AlertBody:
    """The body that a row was made from."""
    row["ts"] = row["ts"].value
    leaves = row.pop("explanation")
    return msgspec.convert(row | {"explanation": list(trees(leaves, 0))}, AlertBody)


def trees(leaves: list[dict[str, Any]], level: int) -> list[dict[str, Any]]:
    """Those of one level, each with what follows it one level down."""
    begins = [place for place, leaf in enumerate(leaves) if leaf["level"] == level]
    found = []
    for begin, end in pairwise([*begins, len(leaves)]):
        leaf = leaves[begin]
        bars = {name: start.value for name, start in leaf.pop("bars")}
        found.append(leaf | {"bars": bars, "parts": trees(leaves[begin + 1 : end], level + 1)})
    return found


@pytest.mark.parametrize("muted", [False, True])
def test_every_part_of_an_alert_comes_back(tmp_path: Path, muted: bool) -> None:
    plain = make_alert(1).body
    told = [plain, msgspec.structs.replace(plain, id="b", explanation=[DEEP, CROSS], muted=muted, limits=LIMITS)]
    (tmp_path / "bars.jsonl").write_bytes(encode_bar(make_bar(1)) + b"\n")
    (tmp_path / "alerts.jsonl").write_bytes(b"".join(encode_body(body) + b"\n" for body in told))
    write_parquet(tmp_path)
    rows = pq.read_table(tmp_path / "alerts.parquet").to_pylist()
    assert [leaf["level"] for leaf in rows[1]["explanation"]] == [0, 1, 1, 2, 0]
    assert [body_of(row) for row in rows] == told
