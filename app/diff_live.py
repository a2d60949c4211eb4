"""What the live topics hold over the ticks of a replay, in the replay's order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from app.replay_spill import Spill, Spills
from engine.timeframes import BY_NAME
from infra.kafka.reader import Reader
from schemas.alert import decode_alert
from schemas.bar import Bar, decode_bar
from schemas.partitioning import partition_of
from schemas.topics import ALERTS, BARS

MINUTE_NS: Final = 60_000_000_000


@dataclass(frozen=True)
class Live:
    """Sorted runs; `judged` says of a bar that the live topic alone has whether the replay should have it as well."""

    bars: list[Path]
    alerts: list[Path]
    judged: Callable[[Bar], bool]
    forgotten: list[str]


async def live_results(bootstrap: str, manifest: Mapping[str, Any], folder: Path) -> Live:
    """Read both topics. An alert says which tick it is of; a bar does not, so that bars at the ends of a range cannot
    always be told apart from their neighbours'. Raises TopicError, ReadError."""
    ranges = {one["partition"]: one for one in manifest["ranges"]}
    wanted = manifest["asked"]["symbols"]
    spills, forgotten = Spills(folder, "live"), list[str]()
    async for record in _records(bootstrap, ALERTS.name, forgotten):
        alert = decode_alert(record.value)
        told = ranges.get(alert.delivery.partition)
        if (
            told
            and told["begin"] <= alert.delivery.offset < told["end"]
            and (not wanted or alert.body.symbol in wanted)
        ):
            spills.alerts.add([alert.body])
    async for record in _records(bootstrap, BARS.name, forgotten):
        bar = decode_bar(record.value)
        if not wanted or bar.symbol in wanted:
            spills.bars.add([bar])
    ends = await _ends(bootstrap, manifest["input"]["topic"])
    return Live(_runs(spills.bars), _runs(spills.alerts), _judge(manifest, ranges, ends), forgotten)


def _runs(spill: Spill[Any]) -> list[Path]:
    return spill.close()


async def _records(bootstrap: str, topic: str, forgotten: list[str]) -> AsyncIterator[Any]:
    async with Reader(bootstrap, topic, "tapewatch-diff") as reader:
        for whole in await reader.ranges():
            if whole.log_begin > 0:
                forgotten.append(f"{topic}/{whole.partition} begins at {whole.log_begin}")
            async for records in reader.read(whole):
                for record in records:
                    yield record


async def _ends(bootstrap: str, topic: str) -> dict[int, int]:
    async with Reader(bootstrap, topic, "tapewatch-diff") as reader:
        return {whole.partition: whole.end for whole in await reader.ranges()}


def _judge(
    manifest: Mapping[str, Any], ranges: Mapping[int, Mapping[str, Any]], ends: Mapping[int, int]
) -> Callable[[Bar], bool]:
    """A bar of the live topic alone counts if it closed, or was amended, surely within the range: its end lies between
    the watermarks of the range's ends, by the margin that a symbol's own trades or a late trade can shift it."""
    partitions = len(ends)
    amended_ns = manifest["engine"]["amend_window_ns"]

    def judged(bar: Bar) -> bool:
        told = ranges.get(partition_of(bar.symbol, partitions))
        if told is None:
            return False
        # A daily bar's end is not known here; that of its UTC day is later than any.
        end_ns = bar.start + BY_NAME[bar.timeframe].minutes * MINUTE_NS
        from_the_beginning, to_the_end = told["begin"] == 0, told["end"] >= ends[told["partition"]]
        after = from_the_beginning or end_ns > told["begin_watermark_ns"] + MINUTE_NS
        if bar.timeframe == "1d" and not from_the_beginning:
            after = bar.start > told["begin_watermark_ns"]
        margin_ns = amended_ns + MINUTE_NS if bar.rev else 0
        return bool(after) and bool(to_the_end or end_ns <= told["end_watermark_ns"] - margin_ns)

    return judged
