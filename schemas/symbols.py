"""The symbols of one partition, numbered in order of appearance: the row numbers of every state column."""

from __future__ import annotations

from schemas.partitioning import PARTITIONER, partition_of
from schemas.tick import SYMBOL_PATTERN

INVALID_SYMBOL = -1
WRONG_PARTITION = -2
TOO_MANY_SYMBOLS = -3

REFUSALS = {
    INVALID_SYMBOL: "symbol: not 1 to 32 of A-Z a-z 0-9 . _ : ^ = + / - with a letter or digit first",
    WRONG_PARTITION: f"partition: the symbol belongs to another partition; partition by {PARTITIONER}",
    TOO_MANY_SYMBOLS: "symbol: the partition holds as many symbols as it may",
}


class SymbolTable(dict[str, int]):
    """Symbol to number. Looking up a new symbol registers it, or gives the negative code of the reason why it may not
    be."""

    def __init__(self, partition: int = 0, partitions: int | None = None, limit: int = 1_000_000) -> None:
        """With `partitions` None any symbol belongs here (offline files)."""
        super().__init__()
        self.names: list[str] = []
        self._partition, self._partitions, self._limit = partition, partitions, limit

    def __missing__(self, symbol: str) -> int:
        if SYMBOL_PATTERN.fullmatch(symbol) is None:
            return INVALID_SYMBOL
        if self._partitions is not None and partition_of(symbol, self._partitions) != self._partition:
            return WRONG_PARTITION
        if len(self.names) >= self._limit:
            return TOO_MANY_SYMBOLS
        number = self[symbol] = len(self.names)
        self.names.append(symbol)
        return number
