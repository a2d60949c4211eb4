"""Reads a provider to its end, for tests."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from ingest.batch import Batch
from ingest.file import FileOptions, FileProvider
from ingest.provider import EVERYTHING, Provider


def batches_of(provider: Provider, symbols: Sequence[str] = (EVERYTHING,)) -> list[Batch]:
    """Everything it gives of these symbols."""

    async def read() -> list[Batch]:
        await provider.subscribe(symbols)
        return [batch async for batch in provider.batches()]

    return asyncio.run(read())


def read_file(path: Path, symbols: Sequence[str] = (EVERYTHING,), **options: str) -> list[Batch]:
    """Everything the file provider gives."""
    return batches_of(FileProvider(FileOptions(path=str(path), **options)), symbols)


def refusals(batches: Sequence[Batch]) -> list[tuple[str, bytes, str]]:
    """Where, what and why, of everything refused."""
    return [(one.where, one.value, one.reason) for batch in batches for one in batch.refused]
