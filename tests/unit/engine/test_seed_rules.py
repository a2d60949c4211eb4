"""Rules in the seed's format: accepted as written, its names as aliases, and errors that say where."""

import msgspec
import pytest

from engine.rules.body import body_of, rule_set
from schemas.rule import RuleBody, RuleError, SeedRule, rule_hash
from schemas.rule_file import load_rules
from tests.support.lab import MINUTE, Lab, utc

TEN = utc("2025-11-05T10:00:00")
SEED = b"""[
  {"id": "rule-1", "name": "RSI Oversold", "description": "RSI below 30",
   "conditions": [{"metric": "rsi_14", "operator": "<", "value": 30.0}], "cooldown": 300, "enabled": true},
  {"id": "rule-2", "name": "RSI and Volume", "conditions": [{"metric": "rsi_14", "operator": "<", "value": 30.0},
   {"metric": "volume_avg_5m", "operator": ">", "value": 1000000.0}], "cooldown": 600},
  {"id": "rule-3", "name": "High Volume", "conditions": [{"metric": "volume", "operator": ">", "value": 1000000}],
   "cooldown": 60, "enabled": true},
  {"id": "r1", "name": "Momentum5m", "conditions": [{"metric": "price_change_5m_pct", "op": ">", "value": 0.5},
   {"metric": "rel_volume_5m", "op": ">", "value": 1.5}], "cooldown_sec": 20}
]"""


def test_the_seeds_own_examples_are_accepted_as_written() -> None:
    entries, bodies = rule_set(load_rules(SEED))
    assert [(entry.id, entry.name, entry.version) for entry in entries] == [
        ("rule-1", "RSI Oversold", 1),
        ("rule-2", "RSI and Volume", 1),
        ("rule-3", "High Volume", 1),
        ("r1", "Momentum5m", 1),
    ]
    assert [bodies[entry.hash] for entry in entries] == [
        RuleBody("rsi(14, 1m) < 30", "each_row", 300 * 10**9),
        RuleBody("rsi(14, 1m) < 30 and avg_volume(5, 1m) > 1000000", "each_row", 600 * 10**9),
        RuleBody("volume(1m) > 1000000", "each_row", 60 * 10**9),
        RuleBody("change_pct(5m) > 0.5 and relative_volume(5m) > 150", "each_row", 20 * 10**9),
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("rsi_14", "rsi(14, 1m)"),
        ("ema_9", "ema(9, 1m)"),
        ("sma_200", "sma(200, 1m)"),
        ("ema_20_5m", "ema(20, 5m)"),
        ("rsi_2_60m", "rsi(2, 1h)"),
        ("vwap_5m", "rolling_vwap(5m)"),
        ("vwap_15m", "rolling_vwap(15m)"),
        ("vwap_1h", "rolling_vwap(1h)"),
        ("volume_avg_5m", "avg_volume(5, 1m)"),
        ("volume_avg_15m", "avg_volume(15, 1m)"),
        ("volume_avg_1h", "avg_volume(60, 1m)"),
        ("price_change_1m_pct", "change_pct(1m)"),
        ("price_change_15m_pct", "change_pct(15m)"),
        ("price", "price"),
        ("price_live", "price"),
        ("open", "open(1m)"),
        ("high_live", "high(1m)"),
        ("low_live", "low(1m)"),
        ("close", "close(1m)"),
        ("volume_live", "volume(1m)"),
        ("volume_5m", "volume_last(5m)"),
        ("vwap_live", "vwap"),
        ("ema(20, 5m)", "ema(20, 5m)"),
        (" rsi_14 ", "rsi(14, 1m)"),
        ("gap_from_close_pct", "gap_pct"),
        ("gap_from_close", "gap"),
        ("atrp_14_daily", "atr_pct(14, 1d)"),
        ("atrp_14_5m", "atr_pct(14, 5m)"),
        ("atrp_7", "atr_pct(7, 1m)"),
        ("atr_14_daily", "atr(14, 1d)"),
        ("sma_50_daily", "sma(50, 1d)"),
        ("ma_dist_ema50_15m_pct", "100 * (price / ema(50, 15m) - 1)"),
        ("ma_dist_sma_20_daily_pct", "100 * (price / sma(20, 1d) - 1)"),
        ("trade_count_1m", "trades_last(1m)"),
        ("dist_to_high_of_day_pct", "dist_to_day_high_pct"),
        ("dist_to_low_of_day_pct", "dist_to_day_low_pct"),
        ("consecutive_candles_5m", "consecutive_candles(5m)"),
        ("dollar_volume_daily", "dollar_volume_day"),
        ("volume_daily", "volume_day"),
        ("relative_volume_daily", "relative_volume_day"),
        ("relative_volume_5m", "relative_volume(5m)"),
        ("average_volume_10d", "avg_volume_day(10d)"),
        ("avg_volume(10d)", "avg_volume_day(10d)"),
        ("avg_volume(10)", "avg_volume(10, 1m)"),
        ("change_pct_5m", "change_pct(5m)"),
        ("change_5m_pct", "change_pct(5m)"),
        ("change_5m", "change(5m)"),
        ("change_20d_pct", "change_pct(20d)"),
        ("running_up_60s_pct", "change_pct(60s)"),
        ("running_down_60s_pct", "-change_pct(60s)"),
        ("range_5m", "range_last(5m)"),
        ("range_5m_pct", "range_pct_last(5m)"),
        ("range_pct_15m", "range_pct_last(15m)"),
        ("range_5d", "range_days(5d)"),
        ("range_5d_pct", "range_pct_days(5d)"),
        ("position_in_range_5d", "position_in_range(5d)"),
        ("swing_high_3_5m", "swing_high(3, 5m)"),
        ("biggest_range_pct_63d", "biggest_range_pct(63d)"),
        ("dollar_volume_1h", "dollar_volume_last(1h)"),
        ("position_in_range_30m", "position_in_range(30m)"),
        ("volume_spike_10_5m", "volume_ratio(10, 5m)"),
        ("opening_range_high_15m", "opening_range_high(15m)"),
        ("bb_upper_20_2_5m", "bb_upper(20, 2, 5m)"),
        ("bb_upper_5m", "bb_upper(20, 2, 5m)"),
        ("highest_20_5m", "highest(20, 5m)"),
    ],
)
def test_names_of_the_seed_are_aliases(name: str, expected: str) -> None:
    assert body_of(rule(metric=name)).expression == f"{expected} > 2"


@pytest.mark.parametrize(
    ("name", "expected"),
    [("relative_volume", "relative_volume(1m)"), ("rel_volume_15m", "relative_volume(15m)")],
)
def test_the_seeds_relative_volume_is_a_ratio_and_ours_percent(name: str, expected: str) -> None:
    assert body_of(rule(metric=name)).expression == f"{expected} > 200"
    assert body_of(rule(metric=expected)).expression == f"{expected} > 2"


@pytest.mark.parametrize(
    ("metric", "value_type", "expected"),
    [
        ("change_5m", "%", "change_pct(5m)"),
        ("change_5m_pct", "$", "change(5m)"),
        ("change_5m", "$", "change(5m)"),
        ("range_5m", "%", "range_pct_last(5m)"),
        ("range_5d", "%", "range_pct_days(5d)"),
        ("range_today", "%", "range_pct_today"),
        ("atrp_14_daily", "$", "atr(14, 1d)"),
        ("ma_dist_ema20_5m_pct", "%", "100 * (price / ema(20, 5m) - 1)"),
    ],
)
def test_the_type_of_the_value_chooses_between_dollars_and_percent(metric: str, value_type: str, expected: str) -> None:
    one = {"metric": metric, "operator": ">", "value": 2, "value_type": value_type}
    found = load_rules(msgspec.json.encode([{"id": "r", "conditions": [one]}]))[0]
    assert body_of(found).expression == f"{expected} > 2"


def rule(**given: object) -> SeedRule:
    """A rule with one condition; the fields of the rule or of the condition may be given."""
    one = {"metric": "price", "operator": ">", "value": 2} | {
        name: given.pop(name) for name in ("metric", "operator", "op", "value") if name in given
    }
    return load_rules(msgspec.json.encode([{"id": "r", "conditions": [one], **given}]))[0]


@pytest.mark.parametrize("name", ["cooldown", "cooldown_sec", "cooldown_s"])
def test_a_cooldown_has_three_spellings(name: str) -> None:
    assert body_of(rule(**{name: 1.5})).cooldown_ns == 1_500_000_000


def test_a_cooldown_of_zero_is_none_and_one_that_is_missing_is_ten_seconds() -> None:
    assert body_of(rule(cooldown=0)).cooldown_ns == 0
    assert body_of(rule()).cooldown_ns == 10 * 10**9


def test_what_means_the_same_has_one_hash() -> None:
    same = [
        rule(metric="rsi_14", name="a"),
        rule(metric="rsi", op=">", operator=None, version=3),
        rule(metric="rsi(14)"),
    ]
    assert len({rule_hash(body_of(one)) for one in same}) == 1
    assert rule_hash(body_of(rule(metric="rsi_14", cooldown=11))) != rule_hash(body_of(same[0]))


def test_a_disabled_rule_is_checked_and_left_out() -> None:
    assert rule_set([rule(enabled=False)]) == ([], {})
    with pytest.raises(RuleError):
        rule_set([rule(enabled=False, metric="prise")])


def test_fields_of_the_seed_that_change_nothing_are_accepted() -> None:
    more = {"created_at": "2025-01-01T00:00:00Z", "updated_at": 17, "description": "x"}
    assert body_of(rule(**more)) == body_of(rule())


@pytest.mark.parametrize(
    ("document", "where", "reason"),
    [
        (b"[", "file", "not JSON: Input data was truncated"),
        (b"7", "file", "needs a list of at most 100000 rules"),
        (b"{}", "file", "needs a list of at most 100000 rules"),
        (b"[7]", "rules[0]", "Expected `object`, got `int`"),
        (b'[{"conditions": []}]', "rules[0]", "Object missing required field `id`"),
        (b'[{"id": "", "conditions": []}]', "rules[0].id", "'' is empty or used twice"),
        (
            b'[{"id": "a", "conditions": []}, {"id": "a", "conditions": []}]',
            "rules[1].id",
            "'a' is empty or used twice",
        ),
        (
            b'[{"id": "a", "cooldwn": 3}]',
            "rules[0]",
            "Object contains unknown field `cooldwn`; did you mean cooldown?",
        ),
        (
            b'[{"id": "a", "conditions": [{"metric": "price", "op": ">", "value": 1}, {"metric": 5, "value": 1}]}]',
            "rules[0].conditions[1].metric",
            "Expected `str`, got `int`",
        ),
        (
            b'[{"id": "a", "conditions": [{"metric": "price", "operator": ">", "value": "1"}]}]',
            "rules[0].conditions[0].value",
            "Expected `float`, got `str`",
        ),
    ],
)
def test_a_file_that_is_none_says_where(document: bytes, where: str, reason: str) -> None:
    with pytest.raises(RuleError) as caught:
        load_rules(document)
    assert (caught.value.where, caught.value.reason) == (where, reason)


@pytest.mark.parametrize(
    ("given", "where", "reason"),
    [
        ({"conditions": []}, "rule.conditions", "0 conditions; a rule has 1 to 64"),
        ({"operator": None}, "rule.conditions[0].operator", "is missing"),
        ({"operator": "=>"}, "rule.conditions[0].operator", "unknown operator '=>'; known are > < >= <= == !="),
        (
            {"operator": "crosses"},
            "rule.conditions[0].operator",
            "unknown operator 'crosses'; known are > < >= <= == !=",
        ),
        ({"metric": "rsi14"}, "rule.conditions[0].metric, column 1", "unknown metric 'rsi14'; did you mean rsi_14?"),
        (
            {"metric": "volum_5m"},
            "rule.conditions[0].metric, column 1",
            "unknown metric 'volum_5m'; did you mean volume_5m?",
        ),
        (
            {"metric": "ema_0"},
            "rule.conditions[0].metric, column 1",
            "ema: '0' is not a number of bars, 1 to 200",
        ),
        (
            {"metric": "price_change_21d_pct"},
            "rule.conditions[0].metric, column 1",
            "change_pct: '21d' is not a duration, 60s to 300s",
        ),
        ({"cooldown": -1}, "rule.cooldown", "-1.0 is not a number of seconds from 0 to 2592000"),
        ({"cooldown": 2_592_001}, "rule.cooldown", "2592001.0 is not a number of seconds from 0 to 2592000"),
        ({"cooldown": 5, "cooldown_sec": 5}, "rule.cooldown", "is given twice"),
    ],
)
def test_a_rule_that_is_none_says_where(given: dict[str, object], where: str, reason: str) -> None:
    with pytest.raises(RuleError) as caught:
        body_of(rule(**given))
    assert caught.value.where == where
    assert caught.value.reason.startswith(reason)


def test_the_ratio_of_the_seed_fires_where_the_percentage_does() -> None:
    expression = body_of(rule(metric="rel_volume_1m", value=3)).expression
    lab = Lab({"r": (expression, 0)})
    for minute in range(11):
        lab.trade(TEN + minute * MINUTE, 10, 1)
    for size in (1, 1.5, 1):
        lab.trade(TEN + 11 * MINUTE - 1, 10, size)
    assert [alert.body.explanation[0].value for alert in lab.alerts] == [600.0, 350.0, 450.0]
