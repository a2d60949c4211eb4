"""`tapewatch demo`: the whole scanner on this machine over a simulated market, checked against its own log at the
end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import math
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from app.chaos import Chaos
from app.demo_client import Listener
from app.diff import change_text
from app.diff_command import Both, counted
from app.embedded import Stack, ingest_role, start_stack
from app.replay_progress import ProgressLine
from app.settings import Settings
from app.twin_check import verify_symbols
from app.verify import Found, Verdict, collect, diff_with_live, expected, judge
from infra.clickhouse_rows import ALERTS, BARS, METRICS

RULES: Final = Path(__file__).with_name("demo_rules.json")
HISTORY_SHARE: Final = 150
"""The history has this many times fewer ticks a second than the live part."""
JUST_NOW_S: Final = 0.1
CATCH_UP_LIMIT_S: Final = 120.0
LOOK_S: Final = 0.25
CONNECT_LIMIT_S: Final = 30.0
VERIFIED_SYMBOLS: Final = 8


@dataclass(frozen=True)
class DemoOptions:
    """`for_s`: live seconds, None: until Ctrl-C. `as_json`: end with one line of figures. `chaos`: see `app.chaos`."""

    for_s: float | None
    symbols: int
    rate: float
    as_json: bool
    chaos: bool = False


def run_demo(options: DemoOptions, settings: Settings) -> int:
    """0: all went well; 1: something was lost, told twice, or differs, or it was given up."""
    logging.basicConfig(level=logging.ERROR)
    folder = Path(tempfile.mkdtemp(prefix="tapewatch-demo-"))
    try:
        return asyncio.run(_Demo(options, settings, folder).run())
    except asyncio.CancelledError:
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Demo:
    def __init__(self, options: DemoOptions, settings: Settings, folder: Path) -> None:
        self._options, self._settings, self._folder = options, settings, folder
        self._stop = asyncio.Event()
        self._line = ProgressLine()
        self._begun = time.monotonic()
        self._chaos: Chaos | None = None
        self._task: asyncio.Task[Any] | None = None

    async def run(self) -> int:
        loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._interrupt)
        starting = asyncio.create_task(start_stack(self._folder, self._settings, RULES, self._tell))
        stopping = asyncio.create_task(self._stop.wait())
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
            return 1
        stopping.cancel()
        stack = starting.result()
        try:
            return await self._with(stack)
        finally:
            self._tell("stopping")
            await stack.stop()

    def _interrupt(self) -> None:
        """The first time the market ends and what was told is checked; the second time that is given up too."""
        if self._stop.is_set() and self._task is not None:
            self._task.cancel()
        self._stop.set()

    async def _with(self, stack: Stack) -> int:
        listener = Listener(stack.page)
        listener.start()
        try:
            async with asyncio.timeout(CONNECT_LIMIT_S):
                await listener.connected.wait()
            self._tell(f"the page: {stack.page}    (Ctrl-C ends)")
            if self._options.chaos:
                self._chaos = Chaos(stack, self._tell)
            await self._play_with_chaos(stack, listener)
            if self._options.for_s is None and not self._options.as_json:
                return 0
            self._tell("waiting until everything has arrived")
            await self._caught_up(stack, listener)
            return await self._check(stack, listener)
        finally:
            await listener.stop()

    async def _play_with_chaos(self, stack: Stack, listener: Listener) -> None:
        if self._chaos is None:
            await self._play(stack, listener)
            return
        over = asyncio.Event()
        killing = asyncio.create_task(self._chaos.run(over), name="chaos")
        try:
            await self._play(stack, listener)
        finally:
            over.set()
            await killing

    async def _play(self, stack: Stack, listener: Listener) -> None:
        """Feed the market until it is over or somebody stops it."""
        rate = self._options.rate
        options = {"symbols": self._options.symbols, "rate": rate, "history_rate": max(1.0, rate / HISTORY_SHARE)}
        ingest = ingest_role(stack, self._folder, "sim", json.dumps(options), self._options.for_s)
        await stack.supervisor.start(ingest)
        self._tell("sending two hours of history at full speed, then the day as it goes on")
        told_first = False
        stats: dict[str, Any] = {}
        while not stack.supervisor.has_finished(ingest) and not self._stop.is_set():
            stats = await asyncio.to_thread(ingest.stats) or stats
            if listener.live_from_ns is None and stats.get("paced_since_ns", -1) > 0:
                await self._await_live(stack, listener)
            if listener.told and not told_first:
                told_first = True
                self._tell(f"the first alert came after {time.monotonic() - self._begun:.1f} s")
            self._show(stats, listener)
            await asyncio.sleep(LOOK_S)
        if ingest.running:
            await asyncio.to_thread(ingest.stop)
        self._line.end()

    async def _await_live(self, stack: Stack, listener: Listener) -> None:
        """Delays count from when the worker is through with the history: what it lacks now has just come."""
        scan = await asyncio.to_thread(stack.roles["scan"].stats)
        if scan.get("lag", math.inf) <= self._options.rate * JUST_NOW_S:
            listener.live_from_ns = time.time_ns()

    def _show(self, stats: dict[str, Any], listener: Listener) -> None:
        newest = listener.newest
        what = f"{newest['symbol']} {newest['rule_id']}" if newest else "none yet"
        p50 = f"{np.median(listener.delays_ms[-1000:]):.0f} ms" if listener.delays_ms else "-"
        self._line(f"{stats.get('ticks', 0):,} ticks, {len(listener.told):,} alerts ({what}), tick to client {p50}")

    async def _caught_up(self, stack: Stack, listener: Listener) -> None:
        """Until worker, sink and socket have everything. Nothing new for the limit, and what is not there counts as
        lost: a slow machine may take its time."""
        deadline = time.monotonic() + CATCH_UP_LIMIT_S
        before: tuple[int, ...] = ()
        quiet = 0
        while time.monotonic() < deadline and quiet < 8:
            scan = await asyncio.to_thread(stack.roles["scan"].stats)
            sink = await asyncio.to_thread(stack.roles["sink"].stats)
            tables = [sink.get(name, {}) for name in (ALERTS, BARS, METRICS)]
            now = (int(scan.get("ticks", -1)), len(listener.told), *(int(t.get("rows", -1)) for t in tables))
            done = scan.get("lag") == 0 and not any(t.get("waiting_rows") for t in tables)
            if now != before:
                deadline = time.monotonic() + CATCH_UP_LIMIT_S
            quiet = quiet + 1 if done and now == before else 0
            before = now
            await asyncio.sleep(LOOK_S)

    async def _check(self, stack: Stack, listener: Listener) -> int:
        self._tell("checking against a replay of the log")
        found = await collect(stack.bootstrap, stack.history)
        replayed = self._folder / "replay"
        answer = await expected(stack.bootstrap, replayed)
        scan = await asyncio.to_thread(stack.roles["scan"].stats)
        unprocessed = _unprocessed(found, scan)
        verdict = judge(answer, found, listener.told, unprocessed)
        replay_diff = self._tell_diff(await diff_with_live(stack.bootstrap, replayed), verdict)
        verified, wrong = await verify_symbols(stack.bootstrap, answer, VERIFIED_SYMBOLS, self._tell)
        verdict.differences += wrong
        fired = {body.rule_id for body in answer.alerts}
        figures = {
            "ticks_produced": answer.ticks,
            "ticks_processed": answer.ticks - unprocessed,
            "dead_letters": found.dead_letters,
            "bars": len(found.bars_topic),
            "alerts_topic": len(found.alerts_topic),
            "alerts_clickhouse": len(found.alerts_clickhouse),
            "alerts_websocket": len(listener.told),
            "rules_fired": len(fired),
            "latency_p50_ms": _percentile(listener, 50),
            "latency_p99_ms": _percentile(listener, 99),
            "verified_symbols": verified,
            **({"kills": dict(self._chaos.kills)} if self._chaos else {}),
            "lost": verdict.lost,
            "duplicates": verdict.duplicates,
            "replay_diff": replay_diff,
        }
        self._report(figures, verdict, stack)
        return 1 if verdict.lost or verdict.duplicates or verdict.differences else 0

    def _tell_diff(self, found: Both, verdict: Verdict) -> int:
        """How many alerts and bars a replay and the live run do not have in common."""
        for one in found:
            self._tell(f"replay diff --live: {counted(one)}")
            verdict.differences += [change_text(one.kind, change) for change in one.shown]
        return sum(one.counts.total() for one in found)

    def _report(self, figures: dict[str, Any], verdict: Verdict, stack: Stack) -> None:
        for difference in verdict.differences:
            print(f"tapewatch: {difference}", file=sys.stderr)
        for role, count in stack.supervisor.restarts.items():
            if count:
                self._tell(f"{role} was started again {count} times")
        if self._options.as_json:
            print(json.dumps(figures))
            return
        for name, value in figures.items():
            self._tell(f"{name}: {value}")

    def _tell(self, text: str) -> None:
        self._line.end()
        with contextlib.suppress(BrokenPipeError):
            print(f"[{time.monotonic() - self._begun:5.1f} s] {text}", file=sys.stderr, flush=True)


def _unprocessed(found: Found, scan: dict[str, Any]) -> int:
    """Records of the tick topic behind where the worker stands."""
    positions = {int(number): int(p["position"]) for number, p in scan.get("partitions", {}).items()}
    return sum(max(0, end - 1 - positions.get(number, -1)) for number, end in found.ends.items())


def _percentile(listener: Listener, percent: int) -> float | None:
    return round(float(np.percentile(listener.delays_ms, percent)), 1) if listener.delays_ms else None
