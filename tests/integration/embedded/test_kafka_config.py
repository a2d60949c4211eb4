"""A cluster's settings are plain data, the same for one broker and for several."""

import base64
from pathlib import Path

import pytest

from infra.embedded.kafka_config import Cluster, Node, new_cluster, render, server_properties
from infra.embedded.ports import HIGHEST, LOWEST, free_ports

DATA = Path("/data")
ONE = Cluster("Kabc", (Node(1, 9092, 9093),))
THREE = Cluster("Kabc", (Node(1, 9001, 9011), Node(2, 9002, 9012), Node(3, 9003, 9013)))


def test_one_broker_is_its_own_controller() -> None:
    properties = server_properties(ONE, 1, DATA)
    assert properties["controller.quorum.voters"] == "1@127.0.0.1:9093"
    assert properties["listeners"] == "PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093"
    assert properties["log.dirs"] == "/data"
    assert properties["auto.create.topics.enable"] == "false"


def test_several_brokers_know_each_other() -> None:
    properties = server_properties(THREE, 2, DATA)
    assert properties["node.id"] == "2"
    assert properties["controller.quorum.voters"] == "1@127.0.0.1:9011,2@127.0.0.1:9012,3@127.0.0.1:9013"
    assert properties["advertised.listeners"] == "PLAINTEXT://127.0.0.1:9002"
    assert THREE.bootstrap == "127.0.0.1:9001,127.0.0.1:9002,127.0.0.1:9003"


@pytest.mark.parametrize(("cluster", "replicas", "in_sync"), [(ONE, "1", "1"), (THREE, "3", "2")])
def test_kafkas_own_topics_survive_one_broker_where_there_are_three(
    cluster: Cluster, replicas: str, in_sync: str
) -> None:
    properties = server_properties(cluster, 1, DATA)
    assert properties["offsets.topic.replication.factor"] == replicas
    for topic in ("transaction.state.log", "share.coordinator.state.topic"):
        assert properties[f"{topic}.replication.factor"] == replicas
        assert properties[f"{topic}.min.isr"] == in_sync


def test_an_unknown_node_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no node 4 among \[1, 2, 3\]"):
        server_properties(THREE, 4, DATA)


def test_a_new_cluster_has_an_id_kafka_reads_and_ports_of_its_own() -> None:
    cluster = new_cluster(3)
    assert len(cluster.id) == 22
    assert cluster.id[0].isalpha()
    assert len(base64.urlsafe_b64decode(cluster.id + "==")) == 16
    assert [node.id for node in cluster.nodes] == [1, 2, 3]
    assert len({port for node in cluster.nodes for port in (node.port, node.controller_port)}) == 6


def test_properties_are_written_one_a_line() -> None:
    assert render({"a.b": "1", "c": "x\\y"}) == "a.b=1\nc=x\\\\y\n"


def test_free_ports_differ_and_keep_clear_of_what_clients_are_given() -> None:
    ports = free_ports(50)
    assert len(set(ports)) == 50
    assert all(LOWEST <= port <= HIGHEST for port in ports)
