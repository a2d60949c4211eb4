"""A scan worker as a process of its own, for tests that kill it: the role as JSON, and a fault that it is to have."""

import asyncio
import os
import resource
import signal
import subprocess
import sys
from typing import Any

import msgspec

from app.topology import ScanApp, ScanRole, prepare_scan
from engine.partition import Partition
from infra.kafka.consumer import Consumer
from infra.logs import setup_logs

LARGEST_FILE_BYTES = 20_000
FEW_CHUNKS = 6


def broken_engine() -> None:
    """The engine fails once it has taken in something."""
    step = Partition.step

    def fail_later(self: Partition, *arguments: Any) -> Any:
        if self.position > 200:
            raise ArithmeticError("a fault of the engine")
        return step(self, *arguments)

    Partition.step = fail_later  # type: ignore[method-assign, assignment]  # the fault


def full_disk() -> None:
    """No file can grow beyond a few kilobytes, but the log, which another process writes."""
    log = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    assert log.stdin is not None
    for number in (1, 2):
        os.dup2(log.stdin.fileno(), number)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE_BYTES, LARGEST_FILE_BYTES))


def broken_fetcher() -> None:
    """A task of Faust's fails once something was handed on."""
    hand_on, chunks = Consumer._hand_on_chunk, 0

    async def fail_later(self: Consumer, *arguments: Any) -> None:
        nonlocal chunks
        chunks += 1
        if chunks > FEW_CHUNKS:
            raise ArithmeticError("a fault of the fetcher")
        await hand_on(self, *arguments)

    Consumer._hand_on_chunk = fail_later  # type: ignore[method-assign, assignment]  # the fault


FAULTS = {"none": lambda: None, "engine": broken_engine, "disk": full_disk, "fetcher": broken_fetcher}


async def main(role: str, fault: str) -> None:
    """Work until SIGTERM."""
    setup_logs("scan")
    made = msgspec.json.decode(role, type=ScanRole, dec_hook=lambda kind, value: kind(value))
    FAULTS[fault]()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await ScanApp(made, await prepare_scan(made)).run(stop)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
