"""`tapewatch state export`: the checkpoints of a scan group out of its changelog, into a file that replays begin at."""

from __future__ import annotations

import asyncio
from pathlib import Path

from app.replay_state import FORM, About, SavedPartition, Stored, resume, write_state
from app.settings import Settings
from infra.kafka.reader import Reader
from schemas.topics import TICKS
from tables.state import changelog_of


def export(out: Path, force: bool, settings: Settings) -> int:
    """Write the file and say where each partition stands."""
    found = asyncio.run(export_state(settings.bootstrap, settings.scan_app_id, out, force))
    for partition, saved in found.items():
        print(f"partition {partition}: exact from offset {saved.ready} on, {len(saved.pieces)} pieces")
    print(f"{out}: {out.stat().st_size:,} bytes")
    return 0


async def export_state(bootstrap: str, app_id: str, out: Path, force: bool = False) -> dict[int, SavedPartition]:
    """The newest record of each key, as the changelog stands now: what a worker would restore that began now.

    Raises ReplayError for records that make no state, TopicError without a changelog.
    """
    records = await _newest(bootstrap, changelog_of(app_id).name)
    saved = {partition: resume(stored, f"partition {partition}") for partition, stored in records.items()}
    ready = {partition: one.ready for partition, one in saved.items()}
    await asyncio.to_thread(write_state, out, About(FORM, app_id, TICKS.name, len(records), ready), records, force)
    return saved


async def _newest(bootstrap: str, topic: str) -> dict[int, Stored]:
    async with Reader(bootstrap, topic, "tapewatch-state") as reader:
        records: dict[int, Stored] = {}
        for whole in await reader.ranges():
            stored = records.setdefault(whole.partition, {})
            async for some in reader.read(whole):
                for record in some:
                    if record.value is None:
                        stored.pop(record.key, None)
                    else:
                        stored[record.key] = record.value
    return records
