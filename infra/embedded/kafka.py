"""A real Apache Kafka broker as a child process, with the life of a server: start, stop, crash, start again."""

import os
import socket
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

from infra.embedded.jars import Progress, kafka_jars, say_nothing
from infra.embedded.java import find_java
from infra.embedded.kafka_config import Cluster, new_cluster, render, server_properties
from infra.embedded.ports import LOOPBACK
from infra.embedded.process import START_LIMIT_S, ServerProcess, ServerStartError

FORMAT_LIMIT_S = 60.0
PROBE_LIMIT_S = 1.0

HEAP_MB = 512
JVM_FLAGS = (
    "-Xms128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
    "-XX:-UsePerfData", "-XX:+ExitOnOutOfMemoryError",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSZ",
)  # fmt: skip


@dataclass(frozen=True)
class KafkaRuntime:
    """What it takes to run a broker: a `java` command and the folder of Kafka's jars."""

    java: Path
    jars: Path


def find_runtime(cache: Path, progress: Progress = say_nothing) -> KafkaRuntime:
    """Java, and the jars from the folder `cache`, where they are fetched to the first time (44 MB).

    `progress` is given one line of text at a time.

    Raises:
        JavaNotFoundError: the machine has no Java that will do.
        JarsError: the jars cannot be fetched, or are not what they should be.
    """
    java = find_java()
    return KafkaRuntime(java, kafka_jars(cache, java, progress))


class KafkaBroker(ServerProcess):
    """One node of a Kafka cluster (by default the only one) that keeps everything it writes below `folder`.

    Started again, it comes back on the same ports with the same records.
    """

    def __init__(
        self,
        folder: Path,
        runtime: KafkaRuntime,
        cluster: Cluster | None = None,
        node_id: int = 1,
        heap_mb: int = HEAP_MB,
    ) -> None:
        self.cluster = cluster or new_cluster()
        self.node = self.cluster.node(node_id)
        self._data = folder / "data"
        self._properties = folder / "server.properties"
        self._temporary = folder / "tmp"
        self._jvm = (
            str(runtime.java), f"-Xmx{heap_mb}m", *JVM_FLAGS, "-cp", f"{runtime.jars}{os.sep}*",
            f"-Djava.io.tmpdir={self._temporary}", f"-XX:ErrorFile={folder / 'crash-%p.log'}",
        )  # fmt: skip
        command = (*self._jvm, "kafka.Kafka", str(self._properties))
        ports = (self.node.port, self.node.controller_port)
        super().__init__(f"Kafka node {node_id}", command, folder / "server.log", ports)

    @property
    def bootstrap(self) -> str:
        """`host:port` of this node, enough for a client to find its cluster."""
        return f"{LOOPBACK}:{self.node.port}"

    def is_ready(self) -> bool:
        """Whether it answers a client."""
        return _answers_api_versions(self.node.port)

    def start(self, limit_s: float = START_LIMIT_S) -> None:
        """Start it, formatting its folder the first time, and return once it is ready.

        Raises:
            RuntimeError: it is running already.
            ServerStartError: the folder cannot be formatted, or it ended or was not ready within `limit_s`.
        """
        self._prepare()
        super().start(limit_s)

    def _prepare(self) -> None:
        self._temporary.mkdir(parents=True, exist_ok=True)
        properties = server_properties(self.cluster, self.node.id, self._data)
        self._properties.write_text(render(properties), encoding="utf-8")
        if (self._data / "meta.properties").exists():
            return
        command = (
            *self._jvm, "kafka.tools.StorageTool", "format",
            "--cluster-id", self.cluster.id, "--config", str(self._properties),
        )  # fmt: skip
        try:
            subprocess.run(command, capture_output=True, text=True, timeout=FORMAT_LIMIT_S, check=True)
        except subprocess.CalledProcessError as error:
            raise ServerStartError(f"could not format {self._data}: {error.stdout}{error.stderr}") from error
        except subprocess.TimeoutExpired as error:
            raise ServerStartError(f"formatting {self._data} took more than {FORMAT_LIMIT_S:g} s") from error


def _answers_api_versions(port: int) -> bool:
    """Send an ApiVersions request of version 0, which every broker knows, and look for its answer.

    Layout: https://kafka.apache.org/protocol.html, request header version 1 and response header version 0.
    """
    api_versions, version, correlation_id, client_id = 18, 0, 1, b"tapewatch"
    body = struct.pack(f">hhih{len(client_id)}s", api_versions, version, correlation_id, len(client_id), client_id)
    try:
        with socket.create_connection((LOOPBACK, port), PROBE_LIMIT_S) as connection:
            connection.sendall(struct.pack(">i", len(body)) + body)
            answer = connection.recv(10, socket.MSG_WAITALL)
    except OSError:
        return False
    no_error = 0
    return len(answer) == 10 and struct.unpack(">iih", answer)[1:] == (correlation_id, no_error)
