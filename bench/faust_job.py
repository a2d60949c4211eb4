"""The same job as idiomatic Faust does it at its best: a stock agent over single records, state in dicts, a table write
per symbol and second. Run as a process: BOOTSTRAP APP_ID FOLDER TICKS WARM_UP."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import time
from pathlib import Path
from typing import Any, Final

import faust
import msgspec

from bench.brokers import PARTITIONS
from bench.reference import MINUTE_NS, Fire, Symbol, compile_rules
from bench.rules import documents
from infra.collector import collect_rarely
from schemas.topics import ALERTS, TICKS

RESULT: Final = "result.json"


class Record(msgspec.Struct, gc=False):
    """A tick, or a heartbeat."""

    symbol: str = ""
    ts: int = 0
    price: float = 0.0
    size: float = 0.0
    hb: int = 0


class Told(msgspec.Struct, frozen=True):
    """An alert of a run."""

    run: str
    rule: str
    symbol: str
    ts: int
    price: float


class Result(msgspec.Struct):
    """Ticks that counted, and how long they took."""

    ticks: int
    seconds: float


class Job:
    """The agent's state. `finished` is set when all ticks were seen."""

    def __init__(self, app: faust.App, run: str, ticks: int, warm_up: int) -> None:
        """Declares topics, table and agent on `app`."""
        self.finished = asyncio.Event()
        self.result = Result(ticks - warm_up, 0.0)
        self._run, self._left, self._warm_up = run, ticks, ticks - warm_up
        self._begun = 0.0
        self._rules = compile_rules(documents())
        self._symbols: list[dict[str, Symbol]] = [{} for _ in range(PARTITIONS)]
        self._minutes = [0] * PARTITIONS
        self._decode = msgspec.json.Decoder(Record).decode
        self._encode = msgspec.json.Encoder().encode
        raw: dict[str, Any] = {"key_serializer": "raw", "value_serializer": "raw"}
        self._alerts = app.topic(ALERTS.name, **raw)
        self._table: Any = app.Table("state", key_type=bytes, value_type=bytes, partitions=PARTITIONS)
        app.agent(app.topic(TICKS.name, **raw), name="job")(self.scan)

    async def scan(self, stream: Any) -> None:
        """The agent."""
        async for event in stream.events():
            record = self._decode(event.value)
            if record.symbol:
                await self._trade(self._symbols[event.message.partition], event.key, record)
            elif record.hb:
                await self._heartbeat(event.message.partition, record.hb // MINUTE_NS)

    async def _trade(self, symbols: dict[str, Symbol], key: bytes, tick: Record) -> None:
        symbol = symbols.get(tick.symbol)
        if symbol is None:
            symbol = symbols[tick.symbol] = Symbol(self._rules)
        fires = symbol.trade(tick.ts, tick.price, tick.size)
        if fires:
            await self._tell(tick.symbol, fires)
        second = tick.ts // 1_000_000_000
        if second != symbol.second:
            symbol.second = second
            self._table[key] = self._encode(symbol.snapshot())
        self._count()

    async def _heartbeat(self, partition: int, minute: int) -> None:
        if minute <= self._minutes[partition]:
            return
        self._minutes[partition] = minute
        for name, symbol in self._symbols[partition].items():
            fires = symbol.close_through(minute)
            if fires:
                await self._tell(name, fires)

    async def _tell(self, symbol: str, fires: list[Fire]) -> None:
        for rule, ts, price in fires:
            await self._alerts.send(
                key=symbol.encode(), value=self._encode(Told(self._run, rule, symbol, ts, price)), partition=0
            )

    def _count(self) -> None:
        self._left -= 1
        if self._left == self._warm_up:
            self._begun = time.perf_counter()
        elif not self._left:
            self.result.seconds = time.perf_counter() - self._begun
            self.finished.set()


async def main(bootstrap: str, app_id: str, folder: Path, ticks: int, warm_up: int) -> None:
    """Do the job, write the result, and wait for SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    app = faust.App(
        app_id,
        broker=f"kafka://{bootstrap}",
        datadir=folder,
        store="memory://",
        consumer_auto_offset_reset="earliest",
        topic_partitions=PARTITIONS,
        topic_disable_leader=True,
        table_standby_replicas=0,
        producer_linger=0.005,
        cython_optimizations=True,
        web_enabled=False,
        worker_redirect_stdouts=False,
        logging_config=None,
    )
    job = Job(app, app_id, ticks, warm_up)
    await app.start()
    await _first(job.finished, stop)
    if job.finished.is_set():
        await app.producer.flush()
        written = folder / f"{RESULT}.new"
        written.write_bytes(msgspec.json.encode(job.result))
        written.rename(folder / RESULT)
        await stop.wait()
    await app.stop()


async def _first(*events: asyncio.Event) -> None:
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for one in waiting:
        one.cancel()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    collect_rarely()
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])))
