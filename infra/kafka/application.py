"""Builds a Faust application the one way this program uses it, and runs it inside a process of ours."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faust

from infra.collector import collect_rarely, keep_what_is_there
from infra.kafka.expectations import check_expectations
from infra.kafka.transport import TableManager, Transport

APP_ID = re.compile(r"[A-Za-z0-9._-]{1,100}")
STOP_LIMIT_S = 30.0


@dataclass(frozen=True)
class ApplicationConfig:
    """What differs from one Faust application to the next. Times in seconds, sizes in bytes.

    `instance_id` names this process within the group over restarts (static membership): one that comes back within
    `session_timeout_s` gets its partitions back without a rebalance. Each process needs a `data_dir` of its own.
    """

    app_id: str
    bootstrap: str
    data_dir: Path
    instance_id: str | None = None
    session_timeout_s: float = 10.0
    max_poll_records: int | None = 16_384
    max_fetch_bytes: int = 1_048_576
    standby_replicas: int = 0
    request_timeout_s: float = 60.0


def new_application(config: ApplicationConfig) -> faust.App:
    """A Faust application on our transport, without topics, tables and agents yet.

    Raises:
        ExpectationError: the installed Faust is not the one this program was built against.
        ValueError: the application id cannot be part of a topic's name.
    """
    check_expectations()
    if APP_ID.fullmatch(config.app_id) is None:
        raise ValueError(
            f"application id {config.app_id!r}: 1 to 100 of A-Z a-z 0-9 . _ - as it becomes part of topics"
        )
    config.data_dir.mkdir(parents=True, exist_ok=True)
    app = faust.App(
        config.app_id,
        broker=[f"kafka://{address}" for address in config.bootstrap.split(",")],
        broker_client_id=config.instance_id or config.app_id,
        broker_session_timeout=config.session_timeout_s,
        # A member learns from a heartbeat that the partitions of another that died are to be shared out.
        broker_heartbeat_interval=config.session_timeout_s / 20,
        broker_request_timeout=max(config.request_timeout_s, config.session_timeout_s + 1),
        broker_max_poll_records=config.max_poll_records,
        consumer_max_fetch_size=config.max_fetch_bytes,
        consumer_group_instance_id=config.instance_id,
        consumer_auto_offset_reset="earliest",
        producer_request_timeout=config.request_timeout_s,
        producer_max_request_size=2 * config.max_fetch_bytes,
        datadir=config.data_dir,
        store="rocksdb://",
        TableManager=TableManager,
        table_standby_replicas=config.standby_replicas,
        # Counts chunks in an agent's queue and changelog records in that of recovery, so both stay small.
        stream_buffer_maxsize=4,
        stream_wait_empty=True,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        # Tells the members of a group apart in Faust's assignor.
        canonical_url=f"http://{config.instance_id or config.app_id}",
        worker_redirect_stdouts=False,
        logging_config=None,
    )
    app.transport = Transport(app.conf.broker_consumer, app)
    return app


async def run_application(app: faust.App, stop: asyncio.Event, fail: Callable[[str, BaseException], Any]) -> None:
    """Start, run until `stop` is set, stop. What the application ends with by itself goes to `fail` before Faust stops
    the rest, which can take for ever, and is raised if `fail` returns.

    Started inside our own event loop and not by `faust.Worker`: the process has an HTTP server, signal handlers and
    logs of its own, and the one thing that depends on the worker, Faust's exactly-once mode, is not used.
    """
    collect_rarely()
    keep_what_is_there()
    stopping = asyncio.ensure_future(stop.wait())
    running = asyncio.ensure_future(_run(app))
    try:
        await asyncio.wait({stopping, running}, return_when=asyncio.FIRST_COMPLETED)
        if running.done() and not stop.is_set():
            error = _reason(app, running)
            fail("the application ended by itself", error)
            raise error
    finally:
        stopping.cancel()
        running.cancel()
        await asyncio.wait({running}, timeout=STOP_LIMIT_S)
        async with asyncio.timeout(STOP_LIMIT_S):
            await app.stop()
    if app.crash_reason is not None:
        raise app.crash_reason


async def _run(app: faust.App) -> None:
    await app.start()
    await app.wait_until_stopped()


def _reason(app: faust.App, running: asyncio.Future[None]) -> BaseException:
    """A task that Faust cancels says nothing of why."""
    if not running.cancelled() and (error := running.exception()) is not None:
        return error
    return app.crash_reason or RuntimeError("nothing says why")
