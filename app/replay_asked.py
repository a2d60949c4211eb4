"""From the options of `tapewatch replay` to a request, refusing those that contradict each other."""

from __future__ import annotations

import argparse
import asyncio
from dataclasses import replace

from app.replay_request import Request, Span
from app.replay_rules import Rules, combined, of_files, of_sets
from app.settings import Settings, SettingsError
from engine.partition import EngineConfig
from engine.rules.parser import parse_numbers
from schemas.rule import RuleError


def request_of(asked: argparse.Namespace, settings: Settings) -> Request:
    """What the options say. Raises SettingsError where they contradict each other, RuleSetMissingError."""
    _check(asked)
    engine = EngineConfig(
        round(settings.scan_future_bound_s * 1e9), round(settings.scan_amend_window_s * 1e9), settings.scan_shards
    )
    return Request(
        asked.file,
        asked.topic,
        Span(asked.from_, asked.to, asked.last, asked.offsets),
        _rules(asked, settings),
        _symbols(asked),
        asked.warmup or 0,
        asked.state,
        asked.speed or None,
        asked.partitions_in_parallel,
        engine,
        _metrics(asked),
    )


def repeated(asked: argparse.Namespace, request: Request) -> Request:
    """A recorded request, at the pace and with the processes that are asked for now. Raises SettingsError."""
    given = (
        "file",
        "topic",
        "from_",
        "to",
        "last",
        "offsets",
        "warmup",
        "state",
        "rules",
        "ruleset",
        "symbols",
        "metrics",
    )
    also = [name.rstrip("_") for name in given if getattr(asked, name)]
    if also:
        raise SettingsError(f"--manifest says all; --{also[0]} cannot be added")
    _check_pace(asked)
    return replace(request, speed=asked.speed or None, parallel=asked.partitions_in_parallel)


def _check(asked: argparse.Namespace) -> None:
    wrong = (
        ((asked.file is None) == (asked.topic is None), "give one of --file, --topic and --manifest"),
        (bool(asked.last) and (asked.from_ or asked.to), "--last cannot be combined with --from and --to"),
        (asked.offsets and (asked.from_ or asked.to or asked.last), "--offsets cannot be combined with times"),
        (asked.from_ and asked.to and asked.from_ >= asked.to, "--from has to be before --to"),
        (asked.file and (asked.last or asked.offsets), "a file has neither --last nor --offsets"),
        (asked.file and asked.warmup, "a file is read from its beginning, so that --warmup has no meaning"),
        (asked.file and asked.state, "--state belongs to a topic"),
        (asked.file and asked.partitions_in_parallel > 1, "a file has one partition"),
        (asked.state and asked.warmup, "--state knows all that --warmup could fill"),
    )
    for is_wrong, text in wrong:
        if is_wrong:
            raise SettingsError(text)
    _check_pace(asked)


def _check_pace(asked: argparse.Namespace) -> None:
    if asked.out is None:
        raise SettingsError("--out says where results go")
    if asked.partitions_in_parallel < 1 or (asked.speed and asked.partitions_in_parallel > 1):
        raise SettingsError("--partitions-in-parallel is at least 1, and 1 where there is a pace")


def _rules(asked: argparse.Namespace, settings: Settings) -> Rules | None:
    if not asked.rules and not asked.ruleset:
        return None
    sets = asyncio.run(of_sets(settings.bootstrap, asked.ruleset)) if asked.ruleset else []
    return combined([*of_files(asked.rules), *sets])


def _metrics(asked: argparse.Namespace) -> tuple[str, ...]:
    if asked.metrics is None:
        return ()
    try:
        return tuple(node.text for node in parse_numbers(asked.metrics, "--metrics"))
    except RuleError as error:
        raise SettingsError(str(error)) from None


def _symbols(asked: argparse.Namespace) -> tuple[str, ...] | None:
    if asked.symbols is None:
        return None
    names = tuple(sorted({name.strip() for name in asked.symbols.split(",")} - {""}))
    if not names:
        raise SettingsError("--symbols names none")
    return names
