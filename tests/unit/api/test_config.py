"""An edge that others could reach without a token does not come into being."""

import pytest

from api.config import EdgeConfig, is_loopback
from infra.clickhouse import ClickHouseConfig

HISTORY = ClickHouseConfig("localhost")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.1.2.3", "scanner.example", ""])
def test_elsewhere_than_on_loopback_a_token_is_needed(host: str) -> None:
    with pytest.raises(ValueError, match="needs an API token"):
        EdgeConfig("kafka:9092", HISTORY, host=host)
    assert EdgeConfig("kafka:9092", HISTORY, host=host, token="hush").host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_needs_none(host: str) -> None:
    assert is_loopback(host)
    assert EdgeConfig("kafka:9092", HISTORY, host=host).token is None


def test_an_empty_token_is_refused() -> None:
    with pytest.raises(ValueError, match="the API token is empty"):
        EdgeConfig("kafka:9092", HISTORY, token=" ")


@pytest.mark.parametrize("token", ["sécret", "two words", "\x07bell", "caf\udce9"])
def test_a_token_that_no_header_carries_as_it_is_is_refused(token: str) -> None:
    with pytest.raises(ValueError, match="visible ASCII characters alone"):
        EdgeConfig("kafka:9092", HISTORY, token=token)


def test_the_token_is_not_shown() -> None:
    assert "hush" not in repr(EdgeConfig("kafka:9092", HISTORY, token="hush"))
