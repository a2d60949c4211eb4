"""Scan workers for tests, in this process or as one that can be killed, and what they have written."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from app.topology import ScanApp, ScanRole, prepare_scan, topics_of
from infra.kafka.reader import Reader
from infra.kafka.topic_admin import apply_topics
from schemas.alert import body_bytes, decode_alert
from schemas.bar import decode_bar
from schemas.metrics import decode_metrics
from schemas.topics import ALERTS, BARS, METRICS, TICKS, TICKS_DEAD
from tests.support.tick_log import PARTITIONS, Answer

APP_ID = "scan-test"
LIMIT_S = 120.0


def role(
    bootstrap: str,
    data_dir: Path,
    checkpoint_s: float = 0.2,
    instance_id: str | None = "one",
    **others: Any,
) -> ScanRole:
    """A worker that checkpoints often; `others`: fields of the role."""
    return ScanRole(
        APP_ID,
        bootstrap,
        data_dir,
        instance_id,
        session_timeout_s=6.0,
        checkpoint_s=checkpoint_s,
        live_s=0.1,
        **others,
    )


async def make_topics(bootstrap: str) -> None:
    """Every topic of a scanner."""
    await apply_topics(bootstrap, topics_of(APP_ID), PARTITIONS)


@contextlib.asynccontextmanager
async def running_worker(made: ScanRole) -> AsyncIterator[ScanApp]:
    """A worker in this process until the end of the block. What it fails with fails the test."""
    failures: list[str] = []
    worker = ScanApp(made, await prepare_scan(made), lambda reason, error: failures.append(f"{reason}: {error!r}"))
    stop = asyncio.Event()
    running = asyncio.create_task(worker.run(stop))
    try:
        yield worker
    except BaseException as error:
        error.add_note(f"failures of the worker: {failures}")
        raise
    finally:
        stop.set()
        await running
    assert failures == []


@contextlib.contextmanager
def worker_process(made: ScanRole, log: Path, fault: str = "none") -> Iterator[subprocess.Popen[bytes]]:
    """A worker as a process of its own; it is killed at the end of the block if it still runs."""
    role_text = msgspec.json.encode(made, enc_hook=str).decode()
    command = [sys.executable, "-m", "tests.support.scan_worker", role_text, fault]
    with log.open("ab") as out, subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True) as process:
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)


async def ended(process: subprocess.Popen[bytes]) -> int:
    """Its exit code, once it has ended by itself."""
    return await asyncio.to_thread(process.wait, LIMIT_S)


async def ends(bootstrap: str, topic: str) -> dict[int, int]:
    """Offset after the last record of each partition."""
    async with Reader(bootstrap, topic) as reader:
        return {whole.partition: whole.end for whole in await reader.ranges()}


@dataclass(frozen=True)
class Record:
    """A record and where it stands, whichever way the client gave it."""

    partition: int
    offset: int
    timestamp: int
    key: Any  # None where there is none
    value: Any  # a tombstone where it is None
    headers: tuple[tuple[str, bytes], ...]


async def records_of(bootstrap: str, topic: str) -> list[Record]:
    """Everything in a topic."""
    async with Reader(bootstrap, topic) as reader:
        return [
            Record(whole.partition, one.offset, one.timestamp, one.key, one.value, tuple(one.headers))
            for whole in await reader.ranges()
            async for batch in reader.read(whole)
            for one in batch
        ]


async def committed(bootstrap: str) -> dict[int, int]:
    """What the workers have committed, by partition."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        found: dict[TopicPartition, OffsetAndMetadata] = await admin.list_consumer_group_offsets(APP_ID)
        return {tp.partition: meta.offset for tp, meta in found.items() if tp.topic == TICKS.name}
    except GroupCoordinatorNotAvailableError:
        return {}  # a new broker has no group yet
    finally:
        await admin.close()


async def all_committed(bootstrap: str, limit_s: float = LIMIT_S) -> None:
    """Wait until the workers are done with everything that stands in the tick topic now."""
    wanted = {number: end for number, end in (await ends(bootstrap, TICKS.name)).items() if end}
    async with asyncio.timeout(limit_s):
        while True:
            found = await committed(bootstrap)
            if all(found.get(number, -1) >= end for number, end in wanted.items()):
                return
            await asyncio.sleep(0.1)


async def told(bootstrap: str) -> tuple[Answer, list[str]]:
    """What the workers have told, collapsed as consumers do, and the id of every alert record."""
    answer, ids = Answer(), []
    for record in await records_of(bootstrap, ALERTS.name):
        alert = decode_alert(record.value)
        body = body_bytes(record.value)
        first = answer.alerts.setdefault(alert.body.id, body)
        told_at = f"{record.partition}/{record.offset} by {alert.delivery.run_id}"
        assert first == body, f"an id stands for one body; first told {first!r}, then at {told_at} {body!r}"
        assert record.partition == alert.delivery.partition
        assert record.key == alert.body.symbol.encode()
        ids.append(alert.body.id)
    answer.take_bars(decode_bar(record.value) for record in await records_of(bootstrap, BARS.name))
    answer.take_metrics(decode_metrics(record.value) for record in await records_of(bootstrap, METRICS.name))
    for record in await records_of(bootstrap, TICKS_DEAD.name):
        headers = {name.rpartition(".")[2]: value.decode() for name, value in record.headers}
        answer.dead.add((int(headers["partition"]), int(headers["offset"]), int(headers["index"])))
    return answer, ids
