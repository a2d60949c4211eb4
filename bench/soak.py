"""`python -m bench.soak`: the durability tests for hours instead of minutes, a million files of rules, memory over a
long run; kept in bench/results."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from app.settings import load_settings
from app.supervisor import RoleProcess
from app.topology import topics_of
from bench.fuzz import fuzz
from bench.memory import memory_mb
from bench.results import FOLDER, machine, versions
from infra.embedded.kafka import KafkaBroker, KafkaRuntime, find_runtime
from infra.kafka.topic_admin import apply_topics
from tests.support.scanning import make_topics
from tests.support.scenarios import (
    change_members,
    crash,
    hurt_broker,
    kill_workers,
    outage,
    pause_workers,
    restart,
    stand_still,
)
from tests.support.tick_log import PARTITIONS, RULES, apply_rules

KILLS_A_ROUND: Final = 50
PAUSES_A_ROUND: Final = 5
CHANGES_A_ROUND: Final = 20
OUTAGE_S: Final = 60.0
STILL_S: Final = 30.0
LOOK_S: Final = 5.0
PARTS: Final = ("fuzz", "kills", "pauses", "broker", "members", "memory")

Scenario = Callable[[KafkaBroker, Path, random.Random], Awaitable[Any]]


def main() -> int:
    """0: every comparison held; the first that does not ends it with its difference."""
    options = _options()
    logging.basicConfig(level=logging.CRITICAL)
    runtime = find_runtime(load_settings({}).cache, _tell)
    about: dict[str, Any] = {"machine": machine(), "versions": versions(runtime.java), "seed": options.seed}
    _tell(f"seed {options.seed}")
    done: dict[str, Any] = {}
    try:
        asyncio.run(_soak(options, runtime, done))
    finally:
        _write(about, done)
    return 0


async def _soak(options: argparse.Namespace, runtime: KafkaRuntime, done: dict[str, Any]) -> None:
    chance = random.Random(options.seed)
    for part in options.only:
        begun = time.monotonic()
        _tell(f"{part} begins")
        if part == "fuzz":
            done[part] = await asyncio.to_thread(fuzz, options.cases, options.seed, _tell)
        elif part == "memory":
            done[part] = await _memory(runtime, options.minutes, options.rate)
        else:
            done[part] = {"rounds": await _rounds(part, options, runtime, chance)}
        done[part]["seconds"] = round(time.monotonic() - begun)
        _tell(f"{part}: {json.dumps(done[part])}")


async def _rounds(part: str, options: argparse.Namespace, runtime: KafkaRuntime, chance: random.Random) -> list[str]:
    """Each on a broker of its own, compared with the engine alone at its end: nothing lost, nothing told twice."""
    rounds: list[tuple[str, Scenario]] = []
    if part == "kills":
        rounds = [(f"{n} kills", _kills(n)) for n in _split(options.kills, KILLS_A_ROUND)]
    elif part == "pauses":
        rounds = [(f"{n} pauses", _pauses(n)) for n in _split(options.pauses, PAUSES_A_ROUND)]
    elif part == "members":
        rounds = [(f"{n} changes", _changes(n)) for n in _split(options.changes, CHANGES_A_ROUND)]
    else:
        rounds = [("5 restarts, 5 crashes, an outage of 60 s, a pause of 30 s", _faults)]
    told = []
    for name, scenario in rounds:
        folder = Path(tempfile.mkdtemp(prefix="tapewatch-soak-"))
        try:
            with KafkaBroker(folder / "kafka", runtime) as broker:
                await make_topics(broker.bootstrap)
                await scenario(broker, folder, chance)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        told.append(f"{name}: equal")
        _tell(told[-1])
    return told


def _kills(count: int) -> Scenario:
    return lambda broker, folder, chance: kill_workers(broker, folder, chance, count)


def _pauses(count: int) -> Scenario:
    return lambda broker, folder, chance: pause_workers(broker, folder, chance, count)


def _changes(count: int) -> Scenario:
    return lambda broker, folder, chance: change_members(broker, folder, chance, count)


async def _faults(broker: KafkaBroker, folder: Path, chance: random.Random) -> None:
    await hurt_broker(broker, folder, chance, [*[restart] * 5, *[crash] * 5, outage(OUTAGE_S), stand_still(STILL_S)])


async def _memory(runtime: KafkaRuntime, minutes: float, rate: float) -> dict[str, Any]:
    """Memory of a worker under steady load; the first fifth of the time is warm-up."""
    folder = Path(tempfile.mkdtemp(prefix="tapewatch-soak-"))
    shared = {"data_dir": folder}
    samples: list[float] = []
    try:
        with KafkaBroker(folder / "kafka", runtime) as broker:
            await apply_topics(broker.bootstrap, topics_of("scan"), PARTITIONS)
            await apply_rules(broker.bootstrap, RULES)
            options = json.dumps({"symbols": 1_000, "rate": rate, "history_rate": max(1.0, rate / 100)})
            ingest = RoleProcess(
                "ingest", folder, bootstrap=broker.bootstrap, provider_options=options, ingest_form="frame", **shared
            )
            with RoleProcess("scan", folder, bootstrap=broker.bootstrap, **shared) as worker, ingest:
                until = time.monotonic() + 60 * minutes
                while time.monotonic() < until:
                    await asyncio.sleep(LOOK_S)
                    samples.append(memory_mb(worker.pid))
                ticks = worker.stats().get("ticks", 0)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    steady = samples[len(samples) // 5 :]
    quarter = max(1, len(steady) // 4)
    first, last = statistics.median(steady[:quarter]), statistics.median(steady[-quarter:])
    growth_percent = round(100 * (last / first - 1), 2)
    found = {"first_mb": round(first, 1), "last_mb": round(last, 1), "growth_percent": growth_percent}
    return {"minutes": minutes, "ticks": ticks, **found}


def _split(total: int, most: int) -> list[int]:
    return [min(most, total - begun) for begun in range(0, total, most)]


def _write(about: dict[str, Any], done: dict[str, Any]) -> None:
    at = datetime.now(UTC)
    FOLDER.mkdir(exist_ok=True)
    document = {"at": at.isoformat(timespec="seconds"), **about, "soak": done}
    text = json.dumps(document, indent=1) + "\n"
    (FOLDER / f"soak-{at:%Y-%m-%d-%H%M%S}.json").write_text(text, encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m bench.soak", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    parser.add_argument("--cases", type=int, default=1_000_000, help="of the fuzz of rules")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--pauses", type=int, default=20)
    parser.add_argument("--changes", type=int, default=40, help="of the workers that share the partitions")
    parser.add_argument("--minutes", type=float, default=30.0, help="of the memory run")
    parser.add_argument("--rate", type=float, default=50_000, help="ticks a second of the memory run")
    return parser.parse_args()


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
