"""Dead letters by command: what is shown, and that a retry sends the bytes and the key to where they came from."""

import asyncio
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from app.cli import main
from app.dlq_commands import CONNECT
from infra.embedded.kafka import KafkaBroker, KafkaRuntime
from schemas.partitioning import partition_of
from schemas.topics import TICKS, TICKS_DEAD
from tests.support.scanning import all_committed, make_topics, records_of, role, running_worker
from tests.support.tick_log import PARTITIONS, RULES, START_NS, apply_rules, write

FOREIGN = [
    ("empty", None),
    ("trace", b"\xff"),
    (f"{CONNECT}exception.message", b"of another"),
    (f"{CONNECT}offset", b"?"),
]
LOST = b'{"symbol":"C0-USD","ts":%d,"price":1,"size":1}' % START_NS
BAD = b'{"symbol":"C0-USD","price":-1'


async def send(bootstrap: str, value: bytes, headers: list[tuple[str, bytes | None]]) -> None:
    """A tick with headers, into partition 3."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    try:
        await producer.start()
        await producer.send_and_wait(TICKS.name, value, partition=3, headers=headers)
    finally:
        await producer.stop()


def test_list_show_and_retry(
    kafka_runtime: KafkaRuntime,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    with KafkaBroker(tmp_path / "kafka", kafka_runtime) as broker:
        monkeypatch.setenv("TAPEWATCH_BOOTSTRAP", broker.bootstrap)

        async def work(values: dict[int, list[bytes]]) -> None:
            await write(broker.bootstrap, values)
            async with running_worker(role(broker.bootstrap, tmp_path / "one")):
                await all_committed(broker.bootstrap)

        asyncio.run(make_topics(broker.bootstrap))
        asyncio.run(apply_rules(broker.bootstrap, RULES))
        assert main(["dlq", "list"]) == 0
        assert b"holds nothing" in capfdbinary.readouterr().out

        asyncio.run(work({2: [BAD, b"{}"]}))
        assert main(["dlq", "list"]) == 0
        lines = capfdbinary.readouterr().out.splitlines()
        assert [line.split()[:3] for line in lines] == [
            [b"2/0", b"from", b"ticks.v1/2/1"],
            [b"2/1", b"from", b"ticks.v1/2/2"],
        ]
        assert main(["dlq", "show", "2/0"]) == 0
        shown = capfdbinary.readouterr().out
        assert shown.endswith(BAD + b"\n")
        assert b"__connect.errors.exception.message: " in shown

        assert main(["dlq", "retry", "2/0"]) == 0
        again = [record for record in asyncio.run(records_of(broker.bootstrap, TICKS.name)) if record.value == BAD]
        assert [(record.partition, record.key, record.headers) for record in again] == [(2, None, ())] * 2
        assert main(["dlq", "retry", "--all"]) == 0
        assert b"1 sent" in capfdbinary.readouterr().out

        asyncio.run(work({}))
        asyncio.run(work({1: [b"later"]}))
        assert main(["dlq", "list", "--most", "1"]) == 0
        assert capfdbinary.readouterr().out.split()[0] == b"1/0"

        asyncio.run(send(broker.bootstrap, BAD, FOREIGN))
        asyncio.run(work({}))
        assert main(["dlq", "list", "--most", "1"]) == 0
        assert b"  json: " in capfdbinary.readouterr().out
        assert main(["dlq", "show", "3/0"]) == 0
        assert rb"trace: \xff" in capfdbinary.readouterr().out

        home = partition_of("C0-USD", PARTITIONS)
        elsewhere = (home + 1) % PARTITIONS
        asyncio.run(work({elsewhere: [LOST]}))
        [letter] = [one for one in asyncio.run(records_of(broker.bootstrap, TICKS_DEAD.name)) if one.value == LOST]
        assert main(["dlq", "retry", f"{letter.partition}/{letter.offset}"]) == 0
        asyncio.run(work({}))
        sent = [one.partition for one in asyncio.run(records_of(broker.bootstrap, TICKS.name)) if one.value == LOST]
        assert sorted(sent) == sorted([elsewhere, home])
        letters = [one.value for one in asyncio.run(records_of(broker.bootstrap, TICKS_DEAD.name))]
        assert letters.count(LOST) == 1, "where it belongs it is none"

        assert main(["dlq", "show", "2/99"]) == 1
        assert b"ticks.v1.dlq has no record 2/99" in capfdbinary.readouterr().err
        assert main(["dlq", "retry", "x"]) == 1
        assert b"'x' is no place" in capfdbinary.readouterr().err


def test_what_was_sent_again_is_not_sent_by_the_next_retry_of_all(
    kafka_runtime: KafkaRuntime,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    with KafkaBroker(tmp_path / "kafka", kafka_runtime) as broker:
        monkeypatch.setenv("TAPEWATCH_BOOTSTRAP", broker.bootstrap)

        async def work() -> None:
            await make_topics(broker.bootstrap)
            await apply_rules(broker.bootstrap, RULES)
            await write(broker.bootstrap, {2: [BAD, b"{}"], 3: [BAD]})
            async with running_worker(role(broker.bootstrap, tmp_path / "one")):
                await all_committed(broker.bootstrap)

        asyncio.run(work())
        runs = ((["2/0"], 1), (["--all"], 2), (["--all"], 0), (["--all", "--repeat"], 3), (["2/1"], 1), (["--all"], 0))
        for options, sent in runs:
            assert main(["dlq", "retry", *options]) == 0
            assert capfdbinary.readouterr().out.startswith(b"%d sent" % sent), options
        assert len([one for one in asyncio.run(records_of(broker.bootstrap, TICKS.name)) if one.value == BAD]) == 6
        assert main(["dlq", "list"]) == 0
        assert [line.split()[-2:] for line in capfdbinary.readouterr().out.splitlines()] == [[b"sent", b"again"]] * 3
        assert main(["dlq", "list", "--most", "1"]) == 0
        assert b" from ticks.v1/" in capfdbinary.readouterr().out
        assert main(["dlq", "show", "2/2"]) == 1, "it says only that others were sent"
        assert b"has no record 2/2" in capfdbinary.readouterr().err
