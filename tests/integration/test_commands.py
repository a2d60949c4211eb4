"""The commands against a real broker: topics, rules, a replay of the log, and a scan worker that waits for it."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from app.cli import main
from app.settings import environment_of, variable
from infra.embedded.kafka import KafkaBroker, KafkaRuntime
from infra.embedded.ports import LOOPBACK, free_ports
from schemas.topics import RULES, TICKS
from tests.support.scanning import APP_ID, all_committed, make_topics, role, running_worker
from tests.support.tick_log import MORE_RULES, PARTITIONS, Market, apply_rules, rules_of, write
from tests.support.tick_log import RULES as SOME_RULES

LIMIT_S = 60.0


@pytest.fixture
def broker(kafka_runtime: KafkaRuntime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KafkaBroker]:
    """A broker of the test's own without topics, which the commands are set to."""
    with KafkaBroker(tmp_path / "kafka", kafka_runtime) as broker:
        monkeypatch.setenv(variable("bootstrap"), broker.bootstrap)
        monkeypatch.setenv(variable("scan_app_id"), APP_ID)
        yield broker


def wait_until(reached: Callable[[], bool]) -> None:
    """Look again and again; fails after a while."""
    until = time.monotonic() + LIMIT_S
    while not reached():
        assert time.monotonic() < until, "it has not come to that"
        time.sleep(0.1)


def test_topics_are_listed_created_once_and_compared(
    broker: KafkaBroker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(command: str, partitions: int = 4) -> tuple[int, dict[str, str]]:
        monkeypatch.setenv(variable("partitions"), str(partitions))
        code = main(["topics", command])
        return code, dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines())

    code, listed = told("list")
    assert code == 0
    assert listed[TICKS.name].startswith("4 partitions, kept 7 days, key: symbol")
    assert listed[RULES.name].startswith("1 partitions, compacted, key: hash of the rule body")
    code, found = told("check")
    assert (code, found.keys(), set(found.values())) == (1, listed.keys(), {"missing"})
    assert told("apply") == (0, dict.fromkeys(listed, "created"))
    assert told("apply") == told("check") == (0, dict.fromkeys(listed, "ok"))
    code, found = told("apply", 8)
    assert code == 1
    assert found[TICKS.name] == "different, partitions 4 instead of 8"
    assert found[RULES.name] == "ok"
    assert told("check") == (0, dict.fromkeys(listed, "ok")), "what exists is never changed"


def test_without_topics_a_command_says_what_to_do(
    broker: KafkaBroker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rules.json").write_bytes(msgspec.json.encode(SOME_RULES))
    for command in (
        ["rules", "apply", str(tmp_path / "rules.json")],
        ["replay", "--topic", TICKS.name, "--out", str(tmp_path / "out")],
    ):
        assert main(command) == 1
        err = capsys.readouterr().err.splitlines()
        assert err[-1].startswith("tapewatch: ")
        assert TICKS.name in err[-1]
    scan = subprocess.run(
        [sys.executable, "-m", "app.cli", "scan"], stderr=subprocess.PIPE, timeout=LIMIT_S, check=False
    )
    assert scan.returncode == 1
    assert scan.stderr.decode().splitlines()[-1].startswith(f"tapewatch: {TICKS.name} is missing")


def test_rules_applied_again_are_in_force_in_the_worker(broker: KafkaBroker, tmp_path: Path) -> None:
    asyncio.run(make_topics(broker.bootstrap))
    path = tmp_path / "rules.json"

    def apply(rules: object) -> int:
        path.write_bytes(msgspec.json.encode(rules))
        return main(["rules", "apply", str(path)])

    async def check() -> None:
        from schemas.rule import rule_set_hash

        async with running_worker(role(broker.bootstrap, tmp_path / "one")) as worker:
            seqs = [0]
            for rules in (SOME_RULES, MORE_RULES, MORE_RULES):
                assert await asyncio.to_thread(apply, rules) == 0
                await all_committed(broker.bootstrap)
                assert worker.scan.stats.summary()["rule_sets"] == [rule_set_hash(rules_of(rules)[0])]
                [seq] = {p.rule_set_seq for p in worker.scan.stats.partitions.values()}
                seqs.append(seq)
            assert seqs == sorted(set(seqs))
            assert await asyncio.to_thread(apply, [{"id": "a"}]) == 1
            await all_committed(broker.bootstrap)
            assert {p.rule_set_seq for p in worker.scan.stats.partitions.values()} == {seqs[-1]}

    asyncio.run(check())


def test_a_replay_of_the_topic_gives_the_same_digests_every_time(broker: KafkaBroker, tmp_path: Path) -> None:
    async def fill() -> None:
        await make_topics(broker.bootstrap)
        await apply_rules(broker.bootstrap, SOME_RULES)
        await write(broker.bootstrap, Market().seconds(150, poison=True))

    asyncio.run(fill())
    found = []
    for name in ("one", "two"):
        assert main(["replay", "--topic", TICKS.name, "--out", str(tmp_path / name)]) == 0
        found.append(json.loads((tmp_path / name / "manifest.json").read_text()))
    first, second = found
    assert first["digests"] == second["digests"]
    assert first["counts"] == second["counts"]
    assert min(first["counts"][name] for name in ("bars", "alerts", "refused")) > 0
    assert len(first["ranges"]) == PARTITIONS
    assert first["exact"]


@pytest.mark.parametrize("command", [("topics", "check"), ("dlq", "list")])
def test_without_a_broker_a_command_ends_with_one_line(command: tuple[str, str]) -> None:
    nobody = environment_of(bootstrap=f"{LOOPBACK}:{free_ports(1)[0]}")
    asked = [sys.executable, "-m", "app.cli", *command]
    done = subprocess.run(asked, env=os.environ | nobody, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("tapewatch: KafkaConnectionError: Unable to bootstrap from")
    assert "Traceback" not in done.stderr


def test_scan_waits_for_the_broker_says_so_and_starts_once_it_is_there(
    kafka_runtime: KafkaRuntime, tmp_path: Path
) -> None:
    broker, log = KafkaBroker(tmp_path / "kafka", kafka_runtime), tmp_path / "scan.log"
    with broker:
        asyncio.run(make_topics(broker.bootstrap))
    settings = environment_of(bootstrap=broker.bootstrap, data_dir=tmp_path / "data", scan_app_id=APP_ID, ops_port=0)

    def lines() -> list[dict[str, object]]:
        return [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]

    def waits() -> list[object]:
        return [one["message"] for one in lines() if f"waiting for Kafka at {broker.bootstrap}" in str(one["message"])]

    def answer(path: str) -> int:
        port = next(one["ops_port"] for one in lines() if "ops_port" in one)
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as response:
                return int(response.status)
        except urllib.error.HTTPError as error:
            error.close()
            return error.code

    command = [sys.executable, "-m", "app.cli", "scan"]
    with log.open("wb") as out, subprocess.Popen(command, stderr=out, env=os.environ | settings) as process:
        try:
            wait_until(lambda: len(waits()) >= 3)
            assert (answer("/health"), answer("/ready")) == (200, 503)
            with broker:
                wait_until(lambda: answer("/ready") == 200)
                asked = len(waits())
                assert asked < 20, "the pauses grow"
                process.send_signal(signal.SIGTERM)
                assert process.wait(LIMIT_S) == 0
        finally:
            process.kill()
    assert "Traceback" not in log.read_text()
