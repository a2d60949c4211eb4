"""Alerts, bars and figures to send through the sink and the edge, distinct and plausible."""

from schemas.alert import Alert, AlertBody, Delivery, Leaf
from schemas.bar import Bar
from schemas.metrics import MetricValues

MINUTE_NS = 60_000_000_000
START_NS = 1_788_000_000_000_000_000 // MINUTE_NS * MINUTE_NS


def make_alert(number: int, symbol: str = "ACME", rule: str = "spike", append_ts: int = START_NS) -> Alert:
    """Alert `number`, one second of event time after the one before; its id follows from its arguments."""
    return Alert(
        AlertBody(
            id=f"{symbol}-{rule}-{number:06d}",
            rule_id=rule,
            rule_hash="00ff",
            symbol=symbol,
            ts=START_NS + number * 1_000_000_000,
            ordinal=0,
            trigger="each_row",
            price=10.5 + number,
            session="regular",
            explanation=[Leaf("change_pct(5m)", 3.25, ">", 3.0, True), Leaf("volume", None, ">", 1e6, True)],
        ),
        Delivery(
            topic="the tick topic",
            partition=1,
            offset=100 + number,
            index=-1,
            ts_recv=append_ts,
            append_ts=append_ts,
            run_id="run",
            rule_name="Spike é",
            rule_version=2,
        ),
    )


def make_bar(number: int, symbol: str = "ACME", timeframe: str = "1m", rev: int = 0) -> Bar:
    """The bar `number` minutes after the first; `rev` adds to its close."""
    vwap = None if number % 3 == 0 else 10.0
    return Bar(symbol, timeframe, START_NS + number * MINUTE_NS, 10, 11, 9, 10.5 + rev, 1000, vwap, 7, "regular", rev)


def make_metrics(number: int, symbol: str = "ACME") -> MetricValues:
    """The figures of the close `number` minutes after the first; every third has one that does not exist."""
    start = START_NS + number * MINUTE_NS
    values = [100.0 + number, None if number % 3 == 0 else 50.0]
    return MetricValues(symbol, "1m", start, start + MINUTE_NS - 1, ("ema(20, 1m)", "rsi(14, 1m)"), values)
