"""The settings of an embedded Kafka cluster as plain data: one broker or several, all on loopback."""

import base64
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.embedded.ports import LOOPBACK, free_ports

REPLICATION = 3  # of Kafka's own topics, where there are that many brokers


@dataclass(frozen=True)
class Node:
    """One Kafka process, broker and controller at once (KRaft)."""

    id: int
    port: int
    controller_port: int


@dataclass(frozen=True)
class Cluster:
    """Kafka processes that know each other from the start; `id` as Kafka writes it (16 bytes in base64)."""

    id: str
    nodes: tuple[Node, ...]

    def node(self, node_id: int) -> Node:
        """The node with that id.

        Raises:
            ValueError: there is none.
        """
        for node in self.nodes:
            if node.id == node_id:
                return node
        raise ValueError(f"no node {node_id} among {[node.id for node in self.nodes]}")

    @property
    def bootstrap(self) -> str:
        """What a client is given as `bootstrap_servers`."""
        return ",".join(f"{LOOPBACK}:{node.port}" for node in self.nodes)


def new_cluster(nodes: int = 1) -> Cluster:
    """A cluster of `nodes` processes, ids from 1, on ports that are free now."""
    ports = free_ports(2 * nodes)
    random = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    return Cluster(
        id="K" + random[1:],  # a leading dash would be read as an option
        nodes=tuple(Node(number + 1, ports[2 * number], ports[2 * number + 1]) for number in range(nodes)),
    )


def server_properties(cluster: Cluster, node_id: int, data: Path) -> dict[str, str]:
    """Kafka's settings for one node of `cluster` that keeps its log in `data`.

    Settings of a topic (partitions, retention, compaction) are its declaration's; those here hold where a
    declaration says nothing. Topics are never created by the broker.
    """
    node = cluster.node(node_id)
    replicas = min(REPLICATION, len(cluster.nodes))
    in_sync = replicas // 2 + 1
    return {
        "process.roles": "broker,controller",
        "node.id": str(node.id),
        "controller.quorum.voters": ",".join(f"{n.id}@{LOOPBACK}:{n.controller_port}" for n in cluster.nodes),
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://{LOOPBACK}:{node.port},CONTROLLER://{LOOPBACK}:{node.controller_port}",
        "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{node.port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",
        "log.dirs": str(data),
        "auto.create.topics.enable": "false",
        "default.replication.factor": str(replicas),
        "min.insync.replicas": str(in_sync),
        "offsets.topic.replication.factor": str(replicas),
        "offsets.topic.num.partitions": "1",
        **_internal_topic("transaction.state.log", replicas, in_sync),
        **_internal_topic("share.coordinator.state.topic", replicas, in_sync),
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
        # A broker that was killed waits at its restart for its own old registration to expire: 9 s by default.
        "broker.session.timeout.ms": "1500",
        "broker.heartbeat.interval.ms": "300",
        "log.segment.bytes": str(64 << 20),
        "log.retention.hours": "168",
        "log.retention.bytes": str(4 << 30),  # per partition, so that a demo left running cannot fill the disk
        "log.cleaner.dedupe.buffer.size": str(4 << 20),
    }


def render(properties: Mapping[str, str]) -> str:
    """`properties` in Java's file format. Backslashes, as in a Windows path, are escaped."""
    return "".join(f"{key}={value}\n".replace("\\", "\\\\") for key, value in properties.items())


def _internal_topic(prefix: str, replicas: int, in_sync: int) -> dict[str, str]:
    return {
        f"{prefix}.replication.factor": str(replicas),
        f"{prefix}.min.isr": str(in_sync),
        f"{prefix}.num.partitions": "1",
    }
