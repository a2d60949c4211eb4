"""Brings prices and figures to the hub, apart from the alerts: thousands come at once when a minute ends, and no alert
waits behind them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from itertools import groupby
from operator import attrgetter
from typing import Final

import msgspec

from api.config import EdgeConfig
from api.hub import Hub
from infra.topic_tail import Record, TopicTail
from schemas.live import decode_live
from schemas.metrics import MetricValues, decode_metrics
from schemas.topics import LIVE, METRICS

logger = logging.getLogger(__name__)

POLL_S: Final = 0.5
POLL_RECORDS: Final = 250
PAUSE_S: Final = 0.01  # after a full poll, so that others have their turn
LIVE_REWIND: Final = 20  # records a partition: some seconds of prices, so that a page opened at once is not empty
METRICS_REWIND: Final = 5_000  # records a partition: a close or two of each of its symbols


class ScreenFeed:
    """Reads from shortly before the ends of both topics until it is cancelled. Without a topic it waits for it."""

    def __init__(self, config: EdgeConfig, hub: Hub) -> None:
        self._hub = hub
        rewind = {LIVE.name: LIVE_REWIND, METRICS.name: METRICS_REWIND}
        self._tail = TopicTail(config.bootstrap, f"{config.client_id}-screens", rewind)
        self.skipped = 0

    async def run(self) -> None:
        """Wait for Kafka, then hand on what comes."""
        try:
            await self._tail.open_patiently(lambda reason: None)
            while True:
                records = await self._tail.poll(POLL_S, POLL_RECORDS)
                await self._take(records)
                if len(records) == POLL_RECORDS:
                    await asyncio.sleep(PAUSE_S)
        finally:
            await self._tail.close()

    async def _take(self, records: Iterable[Record]) -> None:
        for topic, some in groupby(records, attrgetter("topic")):
            if topic == METRICS.name:
                self._hub.figures.put_closes(self._closes(some))
                continue
            for record in some:
                self._take_live(record)
                await asyncio.sleep(0)  # each is large

    def _closes(self, records: Iterable[Record]) -> list[MetricValues]:
        found = []
        for record in records:
            try:
                found.append(decode_metrics(record.value or b""))
            except (ValueError, msgspec.MsgspecError) as error:
                self._skip(record, error)
        return found

    def _take_live(self, record: Record) -> None:
        try:
            batch = decode_live(record.value or b"")
        except msgspec.MsgspecError as error:
            self._skip(record, error)
            return
        self._hub.quotes.put(batch.quotes)
        if batch.figures is not None:
            self._hub.figures.put_running(batch.figures)

    def _skip(self, record: Record, error: Exception) -> None:
        self.skipped += 1
        logger.warning("%s/%d at %d skipped: %s", record.topic, record.partition, record.offset, error)
