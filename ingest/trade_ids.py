"""Duplicate keys of trade ids that are numbers, in bulk: the same keys as `schemas.batch.trade_keys`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from schemas.batch import I64, U8, U64, trade_keys

_DIGITS: Final = 12
_GROUP: Final = 10_000
_TEXT: Final = np.array([int.from_bytes(f"{number:04}".encode(), "little") for number in range(_GROUP)], np.uint64)
"""The four digits of each number below 10,000, the first in the lowest byte."""

_POWERS: Final = 10 ** np.arange(1, _DIGITS + 1, dtype=np.int64)
_SHORT: Final = np.uint64(1 << 56)


def number_keys(exchange: U8, exchanges: Sequence[str | None], ids: I64) -> tuple[U64, U64]:
    """Keys of (exchange, id) as two columns; `exchange` counts into `exchanges`, an id of 0 is none."""
    prefixes = [f"{name or ''}|".encode() for name in exchanges]
    if max(map(len, prefixes)) > 15 - _DIGITS or int(ids.min(initial=0)) < 0 or int(ids.max(initial=0)) >= _POWERS[-1]:
        return trade_keys([exchanges[code] for code in exchange.tolist()], [number or None for number in ids.tolist()])
    low, high = _digits(ids)
    lengths = np.array([8 * len(prefix) for prefix in prefixes], np.uint64)[exchange]
    texts = np.array([int.from_bytes(prefix, "little") for prefix in prefixes], np.uint64)[exchange]
    high = (high << lengths) | (low >> (np.uint64(64) - lengths)) | _SHORT
    low = (low << lengths) | texts
    none = ids == 0
    low[none] = high[none] = 0
    return low, high


def _digits(ids: I64) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """The decimal text of each id, its first character in the lowest byte of the first word, zeros behind its last."""
    thousands, third = np.divmod(ids, _GROUP)
    first, second = np.divmod(thousands, _GROUP)
    low = _TEXT[first] | (_TEXT[second] << np.uint64(32))
    high = _TEXT[third]
    leading = np.uint64(8) * (
        np.uint64(_DIGITS - 1) - np.searchsorted(_POWERS[:-1], ids, side="right").astype(np.uint64)
    )
    far = leading >= np.uint64(64)
    low = np.where(far, high, low)
    high = np.where(far, np.uint64(0), high)
    shift = leading & np.uint64(63)
    carried = np.where(shift == 0, np.uint64(0), high << (np.uint64(64) - np.maximum(shift, np.uint64(1))))
    return (low >> shift) | carried, high >> shift
