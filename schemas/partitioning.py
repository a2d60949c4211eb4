"""Which partition a symbol lives in. The same function as the Java client's default partitioner, so that stock
producers agree with us."""

from __future__ import annotations

_M = 0x5BD1E995
_MASK = 0xFFFFFFFF
PARTITIONER = "murmur2"


def murmur2(data: bytes) -> int:
    """32-bit MurmurHash2 as Kafka's `Utils.murmur2` has it (seed 0x9747b28c), as an unsigned number."""
    length = len(data)
    h = (0x9747B28C ^ length) & _MASK
    whole = length & ~3
    for i in range(0, whole, 4):
        k = int.from_bytes(data[i : i + 4], "little") * _M & _MASK
        k = (k ^ (k >> 24)) * _M & _MASK
        h = (h * _M & _MASK) ^ k
    if tail := data[whole:]:
        h = (h ^ int.from_bytes(tail, "little")) * _M & _MASK
    h = (h ^ (h >> 13)) * _M & _MASK
    return h ^ (h >> 15)


def partition_of(symbol: str, partitions: int) -> int:
    """The partition of `symbol` in a topic of `partitions` partitions."""
    return (murmur2(symbol.encode()) & 0x7FFFFFFF) % partitions
