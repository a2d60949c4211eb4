"""Several real Kafka brokers as child processes: for what only shows where one of them may be missing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from infra.embedded.kafka import KafkaBroker, KafkaRuntime
from infra.embedded.kafka_config import new_cluster

BROKERS: Final = 3
HEAP_MB: Final = 320


class KafkaCluster:
    """Brokers that are controllers as well and replicate to each other, each in a folder of its own below `folder`.

    As a context manager they run inside the block. They end when this process ends (on Linux).
    """

    def __init__(self, folder: Path, runtime: KafkaRuntime, brokers: int = BROKERS) -> None:
        self._cluster = new_cluster(brokers)
        self.brokers = [
            KafkaBroker(folder / f"node-{node.id}", runtime, self._cluster, node.id, HEAP_MB)
            for node in self._cluster.nodes
        ]

    @property
    def bootstrap(self) -> str:
        """All of them, so that a client finds the cluster whichever is away."""
        return self._cluster.bootstrap

    def start(self) -> None:
        """At once, as none is ready without most of the others. Raises ServerStartError; nothing is left running."""
        with ThreadPoolExecutor(len(self.brokers)) as pool:
            starting = [pool.submit(broker.start) for broker in self.brokers]
        try:
            for one in starting:
                one.result()
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """In good order, one after the other but the last: it would wait for the others, which are gone."""
        for broker in self.brokers[:-1]:
            broker.stop()
        self.brokers[-1].kill()

    def kill(self) -> None:
        """As a crash of all would."""
        for broker in self.brokers:
            broker.kill()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
