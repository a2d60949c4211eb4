"""Symbols go where the Java client's default partitioner sends them: a stock producer must agree with us."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.partitioning import murmur2, partition_of

# Of Apache Kafka's own UtilsTest; Java's integers are signed.
JAVA = {
    "21": -973932308,
    "foobar": -790332482,
    "a-little-bit-long-string": -985981536,
    "a-little-bit-longer-string": -1486304829,
    "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    "abc": 479470107,
}


@pytest.mark.parametrize("text", JAVA)
def test_the_hash_is_that_of_the_java_client(text: str) -> None:
    assert murmur2(text.encode()) == JAVA[text] & 0xFFFFFFFF


@pytest.mark.parametrize("text", JAVA)
def test_a_partition_is_the_hash_without_its_sign_modulo_their_number(text: str) -> None:
    assert partition_of(text, 12) == (JAVA[text] & 0x7FFFFFFF) % 12


@given(st.text(max_size=40), st.integers(1, 1024))
def test_any_symbol_has_one_of_the_partitions(symbol: str, partitions: int) -> None:
    assert 0 <= partition_of(symbol, partitions) < partitions
