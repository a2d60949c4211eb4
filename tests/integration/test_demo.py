"""The demo as a user runs it: every role and engine as a process, ended by a comparison with a replay of its log."""

import json
import os
import signal
import subprocess
import sys

from app.settings import environment_of
from infra.embedded.kafka import KafkaRuntime
from tests.support.servers import cache_folder

LIMIT_S = 240.0
SHORT = ("--for", "10", "--symbols", "60", "--rate", "100", "--json")


def test_a_short_demo_loses_nothing_and_a_replay_of_it_tells_the_same(
    kafka_runtime: KafkaRuntime, clickhouse_engine: None
) -> None:
    command = [sys.executable, "-m", "app.cli", "demo", *SHORT]
    environment = os.environ | environment_of(cache_dir=cache_folder())
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert ended.returncode == 0, ended.stderr
    figures = json.loads(ended.stdout.splitlines()[-1])
    assert (figures["lost"], figures["duplicates"], figures["replay_diff"]) == (0, 0, 0)
    assert figures["verified_symbols"] > 0
    assert figures["ticks_processed"] == figures["ticks_produced"] > 10_000
    for kind, count in (("alerts", figures["alerts_topic"]), ("bars", figures["bars"])):
        assert count > 100
        assert f"replay diff --live: {kind}: {count} the same, 0 added, 0 removed, 0 changed" in ended.stderr


def test_a_second_interrupt_gives_up_the_comparison_too(kafka_runtime: KafkaRuntime, clickhouse_engine: None) -> None:
    command = [sys.executable, "-m", "app.cli", "demo", "--symbols", "60", "--rate", "100", "--json"]
    environment = os.environ | environment_of(cache_dir=cache_folder())
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as demo:
        assert demo.stderr is not None
        assert demo.stdout is not None
        told = []
        for line in demo.stderr:
            told.append(line)
            if "sending two hours" in line or "waiting until everything has arrived" in line:
                demo.send_signal(signal.SIGINT)
        assert demo.wait(LIMIT_S) == 1, told
        assert "stopping" in told[-1]
        assert demo.stdout.read() == ""
