"""A record that ClickHouse could not store is recognised before it spoils a whole insert."""

import msgspec
import pytest

from infra.clickhouse_rows import alert_row, bar_row, metrics_row
from schemas.alert import encode_alert, encode_body
from schemas.bar import encode_bar
from schemas.metrics import encode_metrics
from tests.support.alerts import make_alert, make_bar, make_metrics


def test_good_records_are_kept_to_the_byte() -> None:
    alert, bar = make_alert(1), make_bar(2)
    assert bar_row(encode_bar(bar)) == bar
    spaced = encode_alert(alert).replace(b'"rule_hash":', b'"rule_hash" : ')
    row = alert_row(spaced)
    assert row.alert == alert
    assert row.body == encode_body(alert.body).replace(b'"rule_hash":', b'"rule_hash" : ')


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"timeframe": "7m"}, "timeframe '7m' is none of 1m"),
        ({"rev": -1}, r"rev -1 is not in \[0"),
        ({"trades": -5}, "trades -5"),
        ({"start": 1 << 62}, "start 4611686018427387904"),
    ],
)
def test_a_bar_out_of_range_is_refused(change: dict[str, object], reason: str) -> None:
    bar = msgspec.structs.replace(make_bar(1), **change)
    with pytest.raises(ValueError, match=reason):
        bar_row(encode_bar(bar))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"timeframe": "7m"}, "timeframe '7m' is none of 1m"),
        ({"start": -1}, "start -1"),
        ({"values": [1.0]}, "2 names and 1 values"),
    ],
)
def test_figures_out_of_range_are_refused(change: dict[str, object], reason: str) -> None:
    record = msgspec.structs.replace(make_metrics(1), **change)
    with pytest.raises(ValueError, match=reason):
        metrics_row(encode_metrics(record))


@pytest.mark.parametrize(("field", "number"), [("ordinal", 1 << 32), ("partition", 1 << 31), ("rule_version", -1)])
def test_an_alert_out_of_range_is_refused(field: str, number: int) -> None:
    part = "body" if field == "ordinal" else "delivery"
    plain = msgspec.json.decode(encode_alert(make_alert(1)))
    plain[part][field] = number
    with pytest.raises(ValueError, match=f"{field} {number}"):
        alert_row(msgspec.json.encode(plain))


@pytest.mark.parametrize("value", [b"", b"{", b"[]", b'{"body":{}}', b"\xff\xfe"])
def test_what_is_no_record_is_refused(value: bytes) -> None:
    for row in (bar_row, alert_row, metrics_row):
        with pytest.raises(msgspec.MsgspecError):
            row(value)
