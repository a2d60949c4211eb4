"""Brings the alerts to the hub, from the log to the clients' queues without a pause in between."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable
from typing import Final

import msgspec

from api.config import EdgeConfig
from api.hub import Hub
from api.messages import Told, told
from infra import metrics
from infra.topic_tail import Record, TopicTail
from schemas.alert import decode_alert
from schemas.topics import ALERTS

logger = logging.getLogger(__name__)

POLL_S: Final = 0.5
# While the feed is behind, clients get their alerts as fast as most networks carry them, not as fast as memory does.
CATCH_UP_PAUSE_S: Final = 0.02


class Feed:
    """Reads from shortly before the end of the topic until it is cancelled."""

    def __init__(self, config: EdgeConfig, hub: Hub) -> None:
        self._hub = hub
        self._tail = TopicTail(config.bootstrap, config.client_id, {ALERTS.name: config.backlog})
        # A client that keeps up must never find more than it may have waiting, however far the feed is behind.
        self._poll_records = max(1, config.client_alerts // 4)
        self.waiting_for = "Kafka"
        self.alerts = 0
        self.skipped = 0

    async def run(self) -> None:
        """Wait for Kafka, then hand on what comes."""
        try:
            await self._open()
            while True:
                records = await self._tail.poll(POLL_S, self._poll_records)
                self._take(records)
                if len(records) == self._poll_records:
                    await asyncio.sleep(CATCH_UP_PAUSE_S)
        finally:
            await self._tail.close()

    async def _open(self) -> None:
        await self._tail.open_patiently(self._wait_for)
        self._hub.open(self._tail.epoch, dict(self._tail.positions[ALERTS.name]), self._tail.ends[ALERTS.name])
        self.waiting_for = ""

    def _wait_for(self, reason: str) -> None:
        self.waiting_for = reason

    def _take(self, records: Iterable[Record]) -> None:
        alerts: list[Told] = []
        for record in records:
            value = record.value or b""
            try:
                alerts.append(told(decode_alert(value), record.partition, record.offset, value))
            except msgspec.MsgspecError as error:
                self._skip(record, error)
        self.alerts += len(alerts)
        # The position moves with the offer, so that whoever subscribes next finds neither a gap nor a repeat.
        self._hub.offsets.update(self._tail.positions[ALERTS.name])
        self._measure(self._hub.publish(alerts))

    def _skip(self, record: Record, error: Exception) -> None:
        """The sink keeps what is no alert as a dead letter; here it is only passed over."""
        self.skipped += 1
        logger.warning("%s/%d at %d skipped: %s", record.topic, record.partition, record.offset, error)

    @staticmethod
    def _measure(alerts: Iterable[Told]) -> None:
        now_ns = time.time_ns()
        for alert in alerts:
            metrics.DELIVERY.observe(max(0.0, (now_ns - alert.append_ts) / 1e9))
