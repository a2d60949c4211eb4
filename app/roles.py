"""Runs one role in this process: its settings, its logs, the operators' port, and a clean end on a signal."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import Any, Final

import msgspec

from app.settings import Settings, SettingsError, variable
from infra import metrics
from infra.collector import collect_rarely
from infra.event_loop import Holds, new_event_loop
from infra.logs import setup_logs
from infra.ops_server import OpsServer

logger = logging.getLogger(__name__)

Reasons = Callable[[], list[str]]
Figures = Callable[[], Mapping[str, Any]]


class Role:
    """What every role has: a way to stop, and a port for operators. `ready` and `stats` may be replaced while it
    runs; `holds` are those of its event loop."""

    def __init__(self, name: str, settings: Settings) -> None:
        """Logs go to stderr from here on."""
        setup_logs(name, settings.log_level)
        self.name, self.settings = name, settings
        self.stop = asyncio.Event()
        self.ready: Reasons = lambda: ["starting"]
        self.stats: Figures = dict
        self.holds = Holds()
        self._begun = time.monotonic()
        metrics.RESTARTS.set(settings.restarts)

    async def run(self, work: Callable[[Role], Awaitable[None]]) -> None:
        """Do the role's work with the port open, until it ends or SIGINT or SIGTERM comes."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.stop.set)
        ops = OpsServer(self.settings.ops_host, self.settings.ops_port, self._reasons, self._figures)
        await ops.start()
        logger.info("%s answers on port %d", self.name, ops.port, extra={"ops_port": ops.port})
        try:
            await self._until_stopped(work(self))
        finally:
            self.ready = lambda: ["stopping"]
            await ops.stop()
        logger.info("%s has stopped", self.name)

    def _reasons(self) -> list[str]:
        restarts = self.settings.restarts
        if restarts >= CRASH_LOOP and time.monotonic() - self._begun < STEADY_S:
            return [f"in a crash loop: started again {restarts} times, each soon after the last", *self.ready()]
        return self.ready()

    def _figures(self) -> Mapping[str, Any]:
        return {**self.stats(), "process": {"longest_hold_s": self.holds.longest_s, "cpu_s": time.process_time()}}

    async def _until_stopped(self, work: Awaitable[None]) -> None:
        """A role heeds `stop` itself; one that still waits for the start is cancelled."""
        running = asyncio.ensure_future(work)
        stopping = asyncio.ensure_future(self.stop.wait())
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not running.done():
            await asyncio.wait({running}, timeout=STOP_LIMIT_S)
        if not running.done():
            logger.warning("%s does not stop by itself and is cancelled", self.name)
            running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


STOP_LIMIT_S: Final = 30.0
CRASH_LOOP: Final = 3
"""Restarts one soon after the other that make a crash loop."""
STEADY_S: Final = 30.0
"""A role that ran this long is in no crash loop."""


async def until_stop(role: Role, waiting: Awaitable[Any]) -> Any:
    """Wait for something unless the role is stopped first; then asyncio.CancelledError."""
    task = asyncio.ensure_future(waiting)
    stopping = asyncio.ensure_future(role.stop.wait())
    await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not task.done():
        task.cancel()
        raise asyncio.CancelledError
    return task.result()


def published(s: Settings) -> tuple[str, ...]:
    """The figures that the settings name, in normal form. Raises SettingsError."""
    from engine.rules.parser import parse_numbers
    from schemas.rule import RuleError

    if not s.scan_metrics.strip() or s.scan_metrics_of == "none":
        return ()
    try:
        return tuple(node.text for node in parse_numbers(s.scan_metrics, variable("scan_metrics")))
    except RuleError as error:
        raise SettingsError(str(error)) from None


async def scan(role: Role) -> None:
    """A scan worker."""
    from infra.allocator import keep_memory_small

    keep_memory_small()
    from app.topology import ScanApp, ScanRole, prepare_scan
    from engine.partition import EngineConfig

    s = role.settings
    engine = EngineConfig(round(s.scan_future_bound_s * 1e9), round(s.scan_amend_window_s * 1e9), s.scan_shards)
    made = ScanRole(
        s.scan_app_id,
        s.bootstrap,
        s.data / "scan" / (s.instance_id or "worker"),
        s.instance_id or None,
        s.session_timeout_s,
        s.request_timeout_s,
        s.scan_checkpoint_s,
        s.scan_live_s,
        engine=engine,
        heartbeat_s=s.scan_heartbeat_s,
        heartbeat_delay_s=s.scan_heartbeat_delay_s,
        dead_letter_share=s.scan_dead_letter_share,
        dead_letter_window=s.scan_dead_letter_window,
        restore_limit_s=s.scan_restore_limit_s,
        metrics=published(s),
        metrics_of_rules=s.scan_metrics_of == "rules",
        live_values=s.scan_live_values,
        replicas=s.replicas,
        standby_replicas=s.scan_standby_replicas,
    )
    role.ready = lambda: [f"waiting for Kafka at {s.bootstrap}"]
    app = ScanApp(made, await until_stop(role, prepare_scan(made)))
    role.ready, role.stats = app.scan.ready, app.scan.stats.summary
    await app.run(role.stop)


async def sink(role: Role) -> None:
    """The sink."""
    from app.sink_app import SinkApp, SinkRole, prepare_sink

    s = role.settings
    made = SinkRole(
        s.sink_app_id,
        s.bootstrap,
        s.data / "sink" / (s.instance_id or "worker"),
        clickhouse_config(s),
        s.instance_id or None,
        s.session_timeout_s,
    )
    role.ready = lambda: [f"waiting for Kafka at {s.bootstrap}"]
    await until_stop(role, prepare_sink(made))
    app = SinkApp(made)
    role.ready, role.stats = app.sink.ready, app.sink.stats
    await until_stop(role, app.open())
    await app.run(role.stop)


async def edge(role: Role) -> None:
    """REST, WebSocket and the page."""
    from api.config import EdgeConfig
    from api.edge import Edge

    s = role.settings
    try:
        config = EdgeConfig(
            s.bootstrap, clickhouse_config(s), s.edge_host, s.edge_port, s.api_token or None, s.instance_id or "edge"
        )
    except ValueError as error:
        raise SettingsError(f"{error}: set {variable('api_token')}") from None
    served = Edge(config)
    role.ready, role.stats = served.ready, served.stats
    listening = asyncio.Event()

    async def announce() -> None:
        await listening.wait()
        logger.info("the page is at http://%s:%d/", s.edge_host, served.port, extra={"edge_port": served.port})

    announcing = asyncio.create_task(announce())
    try:
        await served.run(role.stop, listening)
    finally:
        announcing.cancel()


async def ingest(role: Role) -> None:
    """A provider's ticks into the log."""
    from infra.kafka.topic_admin import wait_for_broker
    from ingest.provider import ProviderError
    from ingest.registry import PROVIDERS, make_provider
    from ingest.run import IngestConfig, IngestProgress, run_ingest

    s = role.settings
    try:
        options = msgspec.json.decode(s.provider_options, type=dict[str, Any])
        provider = make_provider(s.provider, options)
    except (msgspec.MsgspecError, ProviderError) as error:
        name, value = ("provider_options", s.provider_options) if s.provider in PROVIDERS else ("provider", s.provider)
        raise SettingsError(f"{variable(name)}={value!r}: {error}") from None
    config = IngestConfig(
        s.bootstrap,
        s.ingest_form,
        s.ingest_speed,
        [name.strip() for name in s.ingest_symbols.split(",") if name.strip()] or None,
        s.ingest_for_s or None,
    )
    progress = IngestProgress()
    role.ready, role.stats = lambda: [f"waiting for Kafka at {s.bootstrap}"], lambda: asdict(progress)
    await until_stop(role, wait_for_broker(s.bootstrap))
    role.ready = list
    await run_ingest(config, provider, role.stop, progress)


def clickhouse_config(s: Settings) -> Any:
    """Where ClickHouse is."""
    from infra.clickhouse import ClickHouseConfig

    return ClickHouseConfig(
        s.clickhouse_host,
        s.clickhouse_port,
        s.clickhouse_database,
        s.clickhouse_username or None,
        s.clickhouse_password,
    )


ROLES: Final[Mapping[str, Callable[[Role], Awaitable[None]]]] = {
    "ingest": ingest,
    "scan": scan,
    "sink": sink,
    "edge": edge,
}


def run_role(name: str, settings: Settings) -> None:
    """Run a role until it ends or is told to. Raises what it failed with."""

    collect_rarely()

    role = Role(name, settings)
    with asyncio.Runner(loop_factory=lambda: new_event_loop(role.holds)) as runner:
        runner.run(role.run(ROLES[name]))
