"""Brings figures at closes to the hub, apart from the alerts: thousands come at once when a minute ends, and no alert
waits behind them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Final

import msgspec

from api.config import EdgeConfig
from api.hub import Hub
from infra.topic_tail import Record, TopicTail
from schemas.metrics import MetricValues, decode_metrics
from schemas.topics import METRICS

logger = logging.getLogger(__name__)

POLL_S: Final = 0.5
POLL_RECORDS: Final = 500
PAUSE_S: Final = 0.01  # after a full poll, so that others have their turn
REWIND: Final = 5_000  # records a partition: a close or two of each of its symbols


class FiguresFeed:
    """Reads from shortly before the end of the topic until it is cancelled. Without the topic it waits for it."""

    def __init__(self, config: EdgeConfig, hub: Hub) -> None:
        self._hub = hub
        self._tail = TopicTail(config.bootstrap, f"{config.client_id}-figures", {METRICS.name: REWIND})
        self.skipped = 0

    async def run(self) -> None:
        """Wait for Kafka, then hand on what comes."""
        try:
            await self._tail.open_patiently(lambda reason: None)
            while True:
                records = await self._tail.poll(POLL_S, POLL_RECORDS)
                self._hub.figures.put_closes(self._decoded(records))
                if len(records) == POLL_RECORDS:
                    await asyncio.sleep(PAUSE_S)
        finally:
            await self._tail.close()

    def _decoded(self, records: Iterable[Record]) -> list[MetricValues]:
        found = []
        for record in records:
            try:
                found.append(decode_metrics(record.value or b""))
            except (ValueError, msgspec.MsgspecError) as error:
                self.skipped += 1
                logger.warning("%s/%d at %d skipped: %s", record.topic, record.partition, record.offset, error)
        return found
