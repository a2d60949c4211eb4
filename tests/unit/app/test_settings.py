"""A setting that does not exist or cannot have its value is refused with its variable, its value and what may be."""

import pytest

from app.roles import published
from app.settings import SECRETS, Settings, SettingsError, environment_of, listed, load_settings, variable


def test_an_environment_without_ours_gives_the_defaults() -> None:
    assert load_settings({"PATH": "/bin", "TAPEWATCH_REAL_DATA": "x"}) == Settings()


def test_values_are_read_from_text_and_back() -> None:
    made = load_settings(environment_of(partitions=7, ingest_speed=2.5, bootstrap="a:1,b:2", ingest_form="frame"))
    assert (made.partitions, made.ingest_speed, made.bootstrap, made.ingest_form) == (7, 2.5, "a:1,b:2", "frame")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("partitions", "many", "TAPEWATCH_PARTITIONS='many': expected `int`, got `str`"),
        ("partitions", "0", "TAPEWATCH_PARTITIONS='0': expected `int` >= 1"),
        ("partitions", "1.5", "TAPEWATCH_PARTITIONS='1.5': expected `int`, got "),
        ("ops_port", "65536", "TAPEWATCH_OPS_PORT='65536': expected `int` <= 65535"),
        ("ingest_form", "xml", "TAPEWATCH_INGEST_FORM='xml': invalid enum value 'xml'; one of json, frame"),
        ("log_level", "info", "TAPEWATCH_LOG_LEVEL='info': invalid enum value 'info'; one of DEBUG, INFO, "),
        ("ingest_speed", "nan", "TAPEWATCH_INGEST_SPEED='nan': expected `float` >= 0.0"),
        ("ingest_speed", "inf", "TAPEWATCH_INGEST_SPEED='inf': expected `float` <= 1000000000.0"),
        ("scan_checkpoint_s", "inf", "TAPEWATCH_SCAN_CHECKPOINT_S='inf': expected `float` <= "),
        ("scan_future_bound_s", "0", "TAPEWATCH_SCAN_FUTURE_BOUND_S='0': expected `float` > 0.0"),
        ("scan_amend_window_s", "60", "TAPEWATCH_SCAN_AMEND_WINDOW_S='60': expected `float` < 60.0"),
        ("scan_app_id", "a b", "TAPEWATCH_SCAN_APP_ID='a b': expected `str` matching regex"),
        ("bootstrap", "", "TAPEWATCH_BOOTSTRAP='': expected `str` matching regex"),
        ("bootstrap", "host:port", "TAPEWATCH_BOOTSTRAP='host:port': expected `str` matching regex"),
        ("bootstrap", "a:1,,b:2", "TAPEWATCH_BOOTSTRAP='a:1,,b:2': expected `str` matching regex"),
    ],
)
def test_what_cannot_be_is_said_with_the_variable(name: str, value: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({variable(name): value})
    assert str(caught.value).startswith(message)


def test_a_text_that_does_not_look_as_it_has_to_is_refused_with_what_it_is() -> None:
    with pytest.raises(SettingsError, match="; it is: Kafka brokers, host:port by comma"):
        load_settings({variable("bootstrap"): "a:1;b:2"})


def test_an_unknown_setting_is_refused_and_the_nearest_named() -> None:
    with pytest.raises(
        SettingsError, match="TAPEWATCH_PARTITION: there is no such setting; did you mean TAPEWATCH_PART"
    ):
        load_settings({"TAPEWATCH_PARTITION": "4"})
    with pytest.raises(SettingsError, match="there are no settings nothing"):
        environment_of(nothing=1)


def test_the_list_has_every_setting_with_a_description_and_no_secret() -> None:
    made = load_settings({variable(name): "hush" for name in SECRETS})
    rows = listed(made)
    assert [row[0] for row in rows] == [variable(name) for name in Settings.__struct_fields__]
    assert all(row[3] for row in rows)
    assert {row[1] for row in rows if row[0] in map(variable, SECRETS)} == {"***"}
    assert "hush" not in str(rows)


def test_figures_that_a_setting_names_are_read_into_their_normal_form() -> None:
    assert published(Settings()) == ()
    named = Settings(scan_metrics="rsi, close(5m)-vwap,rsi")
    assert published(named) == ("rsi(14, 1m)", "close(5m) - vwap")
    assert published(Settings(scan_metrics="rsi", scan_metrics_of="none")) == ()
    with pytest.raises(
        SettingsError, match="TAPEWATCH_SCAN_METRICS, column 7: unknown metric 'rsii'; did you mean rsi"
    ):
        published(Settings(scan_metrics="vwap, rsii"))
