"""Replays of a real topic: the whole of it is what the workers told, and any part of it is that part of the whole."""

import asyncio
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.structs import TopicPartition

from app.cli import main
from infra.embedded.kafka import KafkaBroker, KafkaRuntime
from schemas.alert import decode_alert
from schemas.partitioning import partition_of
from schemas.topics import ALERTS, LATE, TICKS
from tests.support.scanning import all_committed, ends, make_topics, records_of, role, running_worker
from tests.support.tick_log import MORE_RULES, PARTITIONS, RULES, START_NS, Market, apply_rules, write

SECOND_NS = 1_000_000_000
HALF_S = 170
WHOLE_S = 340


@dataclass(frozen=True)
class Log:
    """A topic that workers are done with. `half`: its ends when the state in `state` was taken."""

    bootstrap: str
    folder: Path
    whole: Path
    state: Path
    half: dict[int, int]
    first_set: str

    def run(self, name: str, *options: str | Path, code: int = 0) -> Path:
        """`tapewatch replay` into a folder of that name."""
        out = self.folder / name
        command = ["replay", "--out", str(out), *map(str, options)]
        assert main(command) == code
        return out

    def topic(self, name: str, *options: str | Path, code: int = 0) -> Path:
        """The same, of the tick topic."""
        return self.run(name, "--topic", TICKS.name, *options, code=code)


@pytest.fixture(scope="module")
def log(kafka_runtime: KafkaRuntime, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Log]:
    folder = tmp_path_factory.mktemp("replay")
    with KafkaBroker(folder / "kafka", kafka_runtime) as broker, pytest.MonkeyPatch.context() as patch:
        patch.setenv("TAPEWATCH_BOOTSTRAP", broker.bootstrap)
        patch.setenv("TAPEWATCH_SCAN_APP_ID", "scan-test")
        half, first_set = asyncio.run(fill(broker.bootstrap, folder))
        made = Log(broker.bootstrap, folder, folder / "whole", folder / "state.zip", half, first_set)
        made.topic("whole")
        yield made


async def fill(bootstrap: str, folder: Path) -> tuple[dict[int, int], str]:
    """Two worker runs with a change of rules between them; the state of the first is exported while it runs."""
    await make_topics(bootstrap)
    market = Market(seed=11)
    first_set = await apply_rules(bootstrap, RULES)
    await write(bootstrap, market.seconds(HALF_S, poison=True))
    async with running_worker(role(bootstrap, folder / "one")):
        await all_committed(bootstrap)
        half = await ends(bootstrap, TICKS.name)
        assert await asyncio.to_thread(main, ["state", "export", "--out", str(folder / "state.zip")]) == 0
        await apply_rules(bootstrap, MORE_RULES)
        await write(bootstrap, market.seconds(WHOLE_S - HALF_S, poison=True))
        await all_committed(bootstrap)
    return half, first_set


def lines(folder: Path, name: str) -> list[bytes]:
    return (folder / f"{name}.jsonl").read_bytes().splitlines()


def manifest(folder: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((folder / "manifest.json").read_bytes())
    return found


def same(one: Path, other: Path) -> None:
    """Assert that both hold the same bytes."""
    for name in ("bars", "alerts"):
        assert lines(one, name) == lines(other, name)
        assert lines(one, name)


def test_the_whole_topic_is_what_the_workers_told(log: Log) -> None:
    assert len(lines(log.whole, "alerts")) > 20
    assert manifest(log.whole)["exact"] is True
    assert main(["replay", "diff", str(log.whole), "--live"]) == 0


def test_processes_and_a_manifest_give_the_same_bytes(log: Log) -> None:
    parallel = log.topic("parallel", "--partitions-in-parallel", "2", "--parquet")
    same(parallel, log.whole)
    assert {file.name for file in parallel.iterdir()} == {
        *(
            "manifest.json",
            "bars.jsonl",
            "alerts.jsonl",
            "bars.parquet",
            "alerts.parquet",
            "report.json",
            "report.html",
        ),
    }
    same(log.run("again", "--manifest", log.whole / "manifest.json"), log.whole)


def test_from_a_saved_state_on_it_is_the_rest_of_the_whole(log: Log) -> None:
    whole_head = log.topic("head", "--offsets", ",".join(f"{p}:0-{end}" for p, end in log.half.items()))
    rest = log.topic("rest", "--state", log.state)
    assert manifest(rest)["exact"] is True
    for name in ("bars", "alerts"):
        head, tail = lines(whole_head, name), lines(rest, name)
        assert sorted([*head, *tail]) == sorted(lines(log.whole, name))
        assert tail
    assert main(["replay", "diff", str(rest), "--live"]) == 0
    same(log.run("rest-again", "--manifest", rest), rest)
    log.topic("before-state", "--state", log.state, "--offsets", "0:0-", code=1)


def test_a_state_of_another_topic_is_refused(log: Log, capsys: pytest.CaptureFixture[str]) -> None:
    log.run("other", "--topic", LATE.name, "--state", log.state, code=1)
    assert f"is of {TICKS.name}, not of {LATE.name}" in capsys.readouterr().err


def test_figures_at_closes_are_the_same_from_processes_a_manifest_and_spans(log: Log) -> None:
    asked = ("--metrics", "ema(3, 1m), close(5m) - vwap, highest(2, rsi(2, 1m)), prev(close)")
    told = log.topic("told", *asked)
    whole = lines(told, "metrics")
    assert {json.loads(line)["name"] for line in whole} >= {"ema(3, 1m)", "close(5m) - vwap", "prev(close(1m))"}
    same(told, log.whole)
    assert lines(log.topic("told-parallel", *asked, "--partitions-in-parallel", "2"), "metrics") == whole
    assert lines(log.run("told-again", "--manifest", told), "metrics") == whole
    middle = str(START_NS + 100 * SECOND_NS)
    head = lines(log.topic("told-until", *asked, "--to", middle), "metrics")
    tail = lines(log.topic("told-since", *asked, "--from", middle, "--warmup", "1h"), "metrics")
    assert sorted([*head, *tail]) == sorted(whole)
    assert tail
    saved = log.topic("told-rest", *asked, "--state", log.state)
    assert manifest(saved)["exact"] is False
    assert "kept bars" in str(manifest(saved)["exactness"])


def test_spans_of_event_time_make_up_the_whole(log: Log) -> None:
    middle = str(START_NS + 100 * SECOND_NS)
    head = log.topic("until", "--to", middle)
    tail = log.topic("since", "--from", middle, "--warmup", "1h")
    assert manifest(head)["exact"] is manifest(tail)["exact"] is True, "so long a warm-up begins with the log"
    for name in ("bars", "alerts"):
        assert sorted([*lines(head, name), *lines(tail, name)]) == sorted(lines(log.whole, name))


@pytest.mark.parametrize("processes", ["1", "2"])
@pytest.mark.parametrize(
    "span", [("--offsets", "0:5-5,1:7-7"), ("--to", "2020-01-01T00:00:00Z"), ("--from", "2030-01-01T00:00:00Z")]
)
def test_a_range_that_holds_nothing_gives_nothing(log: Log, span: tuple[str, str], processes: str) -> None:
    empty = log.topic(f"empty{span[0]}{processes}", *span, "--partitions-in-parallel", processes)
    assert lines(empty, "bars") == lines(empty, "alerts") == []


def test_a_short_warm_up_fills_what_is_as_short(log: Log) -> None:
    begin = START_NS + 240 * SECOND_NS
    last = log.topic("last", "--last", "100s", "--warmup", "2m")
    found = manifest(last)
    assert found["exact"] is False
    assert "sma(5, 1m)" in str(found["convergence"])
    fresh = [line for line in lines(last, "bars") if json.loads(line)["timeframe"] == "1m"]
    expected = [line for line in lines(log.whole, "bars") if json.loads(line)["timeframe"] == "1m"]
    assert fresh == [line for line in expected if json.loads(line)["start"] + 60 * SECOND_NS > begin]
    moves = [line for line in lines(last, "alerts") if json.loads(line)["rule_id"] == "large"]
    assert moves
    assert main(["replay", "diff", str(last), str(log.whole)]) == 1


def test_some_symbols_give_what_they_give_among_all(log: Log) -> None:
    names = {f"C{number}-USD" for number in (1, 5, 7)}
    some = log.topic("some", "--symbols", ",".join({*names, "NONE"}))
    assert manifest(some)["without_trades"] == ["NONE"]
    for name in ("bars", "alerts"):
        assert lines(some, name) == [line for line in lines(log.whole, name) if json.loads(line)["symbol"] in names]
    read = {one["partition"] for one in manifest(some)["ranges"]}  # type: ignore[attr-defined]  # a list of objects
    assert read == {partition_of(name, PARTITIONS) for name in (*names, "NONE")}
    assert main(["replay", "diff", str(some), "--live"]) == 0


def test_rules_by_hash_and_in_several_versions(log: Log, tmp_path: Path) -> None:
    by_hash = log.topic("by-hash", "--ruleset", log.first_set)
    of_first = [line for line in lines(by_hash, "alerts") if json.loads(line)["ts"] < START_NS + 100 * SECOND_NS]
    assert of_first == [
        line for line in lines(log.whole, "alerts") if json.loads(line)["ts"] < START_NS + 100 * SECOND_NS
    ]
    assert {json.loads(line)["rule_id"] for line in lines(by_hash, "alerts")} <= {"move", "cheap", "ema"}
    for name, value in (("low", 0.05), ("high", 0.2)):
        rule = {"id": "move", "conditions": [{"metric": "price_change_1m_pct", "operator": ">", "value": value}]}
        (tmp_path / f"{name}.json").write_text(json.dumps([rule]))
    both = log.topic("both", "--rules", tmp_path / "low.json", "--rules", tmp_path / "high.json")
    fired = json.loads((both / "report.json").read_bytes())["rules"]
    assert fired["low/move"]["fires"] > fired["high/move"]["fires"] > 0


def test_a_planted_difference_is_found_with_its_leaves(log: Log, capsys: pytest.CaptureFixture[str]) -> None:
    planted = log.folder / "planted"
    shutil.copytree(log.whole, planted)
    alerts = lines(planted, "alerts")
    changed = json.loads(alerts[3])
    changed["explanation"][0]["value"] = 123.5
    alerts[3] = json.dumps(changed, separators=(",", ":")).encode()
    del alerts[7]
    bars = lines(planted, "bars")
    gone = json.loads(bars.pop(0))
    (planted / "bars.jsonl").write_bytes(b"".join(line + b"\n" for line in bars))
    (planted / "alerts.jsonl").write_bytes(b"".join(line + b"\n" for line in alerts))
    capsys.readouterr()
    assert main(["replay", "diff", str(log.whole), str(planted)]) == 1
    told = capsys.readouterr().out
    assert f"{changed['explanation'][0]['expression']} " in told
    assert "-> 123.5 (bound" in told
    assert f"alerts: {len(alerts) - 1} the same, 0 added, 1 removed, 1 changed" in told
    assert f"removed bar {gone['symbol']} {gone['timeframe']} 20" in told
    assert main(["replay", "diff", str(planted), "--live", "--json"]) == 1
    live = json.loads(capsys.readouterr().out)
    assert (live["alerts"]["added"], live["alerts"]["changed"], live["bars"]["changed"]) == (1, 1, 0)


def test_every_alert_told_names_its_tick_in_the_range(log: Log) -> None:
    told = [decode_alert(record.value) for record in asyncio.run(records_of(log.bootstrap, ALERTS.name))]
    assert {alert.body.id for alert in told} == {json.loads(line)["id"] for line in lines(log.whole, "alerts")}


@pytest.fixture(scope="module")
def forgetful(log: Log) -> str:
    """A topic of the same ticks, whose first 200 seconds are gone."""
    topic = "forgetful"

    async def make() -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=log.bootstrap)
        await admin.start()
        try:
            await admin.create_topics([NewTopic(topic, PARTITIONS, 1)])
            await write(log.bootstrap, (market := Market(seed=11)).seconds(200), topic)
            gone = await ends(log.bootstrap, topic)
            await write(log.bootstrap, market.seconds(140), topic)
            records = {TopicPartition(topic, p): RecordsToDelete(before_offset=end) for p, end in gone.items()}
            await admin.delete_records(records)
        finally:
            await admin.close()

    asyncio.run(make())
    return topic


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--from", str(START_NS + 150 * SECOND_NS)], "has long passed"),
        (["--from", str(START_NS + 230 * SECOND_NS), "--warmup", "1m"], "has long passed"),
        (["--offsets", "1:0-"], "what stood from 0 on is gone"),
        (["--offsets", "9:0-"], "there is no 9"),
        (["--offsets", "1:99999999-"], "before the 99999999"),
        (["--last", "1h"], "has long passed"),
        (["--state", "state.zip"], "is of ticks.v1, not of forgetful"),
        ([], "which rules were in force"),
    ],
)
def test_a_range_that_the_log_does_not_hold_is_an_error(
    log: Log,
    forgetful: str,
    options: list[str],
    reason: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(log.folder)
    log.run("nothing", "--topic", forgetful, *options, code=1)
    assert reason in capsys.readouterr().err
    assert not (log.folder / "nothing").exists()


def test_what_the_log_still_holds_is_replayed_and_told_to_be_a_part(log: Log, forgetful: str) -> None:
    begin = str(START_NS + 240 * SECOND_NS)
    rest = log.run("rest-of-it", "--topic", forgetful, "--from", begin, "--ruleset", log.first_set)
    found = manifest(rest)
    assert found["exact"] is False
    assert "middle of the log" in str(found["exactness"])
    same(log.run("paced", "--manifest", rest, "--speed", "x1000"), rest)
