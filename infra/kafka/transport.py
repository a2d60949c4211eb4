"""The transport a Faust application of ours is given: the chunk consumer and an idempotent producer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiokafka import AIOKafkaProducer
from faust.tables.manager import TableManager as FaustTableManager
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from infra.kafka.consumer import Consumer, Lifecycle


class Producer(driver.Producer):
    """Faust's producer with the guarantees it leaves out: every in-sync replica has the record, once and in order."""

    def _settings_extra(self) -> Mapping[str, Any]:
        return {"acks": "all", "enable_idempotence": True}

    @property
    def client(self) -> AIOKafkaProducer:
        """The started aiokafka producer; raises faust.exceptions.NotReady before."""
        return self._ensure_producer()


class StartWhereCommitted:
    """The lifecycle of an application without state of its own: begin at the committed offset, leave nothing behind."""

    async def start_offsets(self, committed: Mapping[TP, int | None]) -> Mapping[TP, int]:
        """No wish of its own for any partition."""
        return {}

    async def release(self) -> None:
        """Nothing to save."""


class Transport(driver.Transport):
    """Faust's aiokafka transport with our consumer and producer; `lifecycle` may be replaced before the start."""

    Consumer = Consumer
    Producer = Producer
    lifecycle: Lifecycle = StartWhereCommitted()


class TableManager(FaustTableManager):
    """Starts recovery at once; Faust waits a second for tables that might still be declared, ours all are."""

    async def on_start(self) -> None:
        """Called by Faust when the application starts."""
        await self._update_channels()
        await self.recovery.start()

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        """Called by Faust with a new assignment. What was restored before and is a standby now is written record by
        record, as a standby is: Faust would go on to keep a thousand of them in memory."""
        self.recovery.buffer_sizes.clear()
        await super().on_rebalance(assigned, revoked, newly_assigned, generation_id)
