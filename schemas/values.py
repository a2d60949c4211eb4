"""Values of many records in one buffer: what concerns all of them is worked out at once, without an object for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]
NEWLINE = np.uint8(ord("\n"))
ALL_BITS = 0xFF


@dataclass(frozen=True, slots=True)
class Values:
    """Value i is `buffer[starts[i]:ends[i]]`; they are in order, and at least one byte lies between two of them.
    One that is missing is empty."""

    buffer: U8
    starts: I64
    ends: I64

    @classmethod
    def of(cls, values: Sequence[bytes | None]) -> Values:
        """Values that are objects already."""
        texts = [value or b"" for value in values]
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        ends = np.cumsum(lengths + 1) - 1
        return cls(np.frombuffer(b"\n".join((*texts, b"\n")), np.uint8), ends - lengths, ends)

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, i: int) -> bytes:
        return self.buffer[self.starts[i] : self.ends[i]].tobytes()

    def __iter__(self) -> Iterator[bytes]:
        whole = self.buffer.data
        return (bytes(whole[start:end]) for start, end in zip(self.starts.tolist(), self.ends.tolist(), strict=True))

    def part(self, begin: int, end: int) -> Values:
        """Values [begin, end)."""
        return Values(self.buffer, self.starts[begin:end], self.ends[begin:end])

    def only(self, kept: NDArray[np.bool_]) -> Values:
        """Those `kept`."""
        return Values(self.buffer, self.starts[kept], self.ends[kept])

    def byte(self, place: int) -> U8:
        """The byte of each value at `place`, counted from its end where negative; what it is in a value that has none
        there is not said."""
        found: U8 = self.buffer.take((self.starts if place >= 0 else self.ends) + place, mode="clip")
        return found

    def holding(self, parts: Sequence[bytes]) -> list[int]:
        """Numbers of the values that hold one of the parts, and perhaps of some that do not."""
        if not len(self):
            return []
        begin, found = int(self.starts[0]), set[int]()
        text = self.buffer[begin : self.ends[-1]].tobytes()
        for part in parts:
            at = text.find(part)
            while at >= 0:
                i = int(np.searchsorted(self.ends, begin + at, side="right"))
                found.add(i)
                at = text.find(part, int(self.ends[i]) - begin)
        return sorted(found)

    def lines(self) -> bytes:
        """The values with newlines between them. None of them may be empty."""
        starts, ends = self.starts, self.ends
        if not len(starts):
            return b""
        lengths = np.empty(2 * len(starts) - 1, np.int64)
        lengths[::2], lengths[1::2] = ends - starts, starts[1:] - ends[:-1]
        between = np.zeros(len(lengths), np.uint8)
        between[1::2] = ALL_BITS
        outside = np.repeat(between, lengths)
        text = self.buffer[starts[0] : ends[-1]] & ~outside
        text |= outside & NEWLINE
        return text.tobytes()
