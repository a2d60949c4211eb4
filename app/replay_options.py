"""The options of `tapewatch replay` and `tapewatch replay diff`, and how their values are written."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from app.replay_time import parse_duration, parse_time

Offsets = dict[int, tuple[int | None, int | None]]
Value = TypeVar("Value")
_SPAN: Final = re.compile(r"(\d+):(\d*)-(\d*)")


def add_replay_options(replay: argparse.ArgumentParser) -> None:
    """Those that say what is replayed, and where to."""
    add = replay.add_argument
    add("--file", type=Path, metavar="TICKS.jsonl[.gz]", help="canonical ticks, a JSON record a line")
    add("--topic", metavar="NAME", help="a tick topic; by default all that it holds")
    add("--manifest", type=Path, metavar="MANIFEST.json", help="repeat the run that it tells of")
    add("--out", type=Path, metavar="DIR", help="where results go")
    add("--force", action="store_true", help="replace what DIR holds")
    add("--from", dest="from_", type=_told(parse_time), metavar="TIME", help="event time: ISO 8601 (UTC) or ns")
    add("--to", type=_told(parse_time), metavar="TIME", help="event time at which it ends")
    add("--last", type=_told(parse_duration), metavar="DURATION", help="the newest part of the log, such as 2h")
    add("--offsets", type=_told(parse_offsets), metavar="P:BEGIN-END,...", help="offsets of the partitions wanted")
    add("--warmup", type=_told(parse_duration), metavar="DURATION", help="fill windows before the beginning, untold")
    add("--state", type=Path, metavar="FILE", help="begin at a state that `tapewatch state export` wrote")
    add(
        "--rules",
        type=Path,
        action="append",
        default=[],
        metavar="RULES.json",
        help="instead of those in the log; again for more versions",
    )
    add("--ruleset", action="append", default=[], metavar="HASH", help="a rule set that was in the log once")
    add("--symbols", metavar="A,B", help="only these")
    add("--metrics", metavar="EXPRESSION, ...", help="figures to write at the closes of bars, such as ema(20, 5m)")
    add("--speed", type=_told(parse_speed), metavar="max|N|xN", help="times the pace of event time; max: no pace")
    add("--partitions-in-parallel", type=int, default=1, metavar="N", help="processes; the result is the same")
    add("--parquet", action="store_true", help="bars and alerts as Parquet as well")


def add_diff_options(diff: argparse.ArgumentParser) -> None:
    """What is compared, and how much of it is shown."""
    diff.add_argument("first", type=Path, metavar="A", help="the folder of a replay")
    diff.add_argument("second", type=Path, metavar="B", nargs="?", help="another")
    diff.add_argument(
        "--live", action="store_true", help="instead of B: what the scan workers have told of the same ticks"
    )
    diff.add_argument("--most", type=int, default=20, metavar="N", help="differences that are shown")
    diff.add_argument("--json", action="store_true", help="as one JSON object")


def parse_offsets(text: str) -> Offsets:
    """`0:100-2000,1:50-` as (begin, end) by partition. Raises ValueError."""
    found: Offsets = {}
    for part in text.split(","):
        match = _SPAN.fullmatch(part)
        if match is None:
            raise ValueError(f"{part!r} is not PARTITION:BEGIN-END; either end may be left out")
        number, begin, end = match.groups()
        if int(number) in found or (begin and end and int(begin) > int(end)):
            raise ValueError(f"{part!r} ends before it begins, or names a partition again")
        found[int(number)] = (int(begin) if begin else None, int(end) if end else None)
    return found


def parse_speed(text: str) -> float:
    """Times the pace of event time; 0 for `max`. Raises ValueError."""
    if text == "max":
        return 0.0
    speed = float(text.removeprefix("x"))
    if not 0 < speed < float("inf"):
        raise ValueError(f"{text!r} is neither max nor a number above 0")
    return speed


def _told(parse: Callable[[str], Value]) -> Callable[[str], Value]:
    """For argparse, which tells a ValueError's text only in this form."""

    def convert(text: str) -> Value:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return convert
