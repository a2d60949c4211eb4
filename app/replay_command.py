"""`tapewatch replay`: a file or the tick topic through the engine, into a folder."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from app.replay import ProgressLine, compiled, describe, replay_file, replay_topic
from app.replay_output import write_answer
from app.settings import Settings, SettingsError
from schemas.rule_file import load_rules


def replay(file: Path | None, topic: str | None, rules: Path | None, out: Path, force: bool, settings: Settings) -> int:
    """Write the folder and say what it holds."""
    plan = None
    if rules is not None:
        try:
            plan = compiled(load_rules(rules.read_bytes()))
        except OSError as error:
            raise SettingsError(f"{rules}: {error.strerror}") from None
    line = ProgressLine()
    about: dict[str, Any]
    if file is not None:
        answer = replay_file(file, plan, line)
        about = {"input": {"file": file.name}, **describe(answer, [])}
    else:
        answer, reads = asyncio.run(replay_topic(settings.bootstrap, str(topic), plan, line))
        about = {"input": {"topic": topic}, **describe(answer, reads)}
    line.end()
    if not about["exact"]:
        print(
            "the log no longer begins at its first record: figures before each metric's warm-up differ", file=sys.stderr
        )
    manifest = write_answer(answer, out, about, force)
    counts, digests = manifest["counts"], manifest["digests"]
    print(f"{out}: {counts['ticks']} ticks, {counts['bars']} bars, {counts['alerts']} alerts")
    print(f"bars {digests['bars']}\nalerts {digests['alerts']}")
    return 0
