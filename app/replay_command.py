"""`tapewatch replay`: what was asked for, through the engine, into a folder."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec

from app.replay_answer import Counts, ReplayError
from app.replay_exactness import BARS_BEGUN
from app.replay_file import file_digest, run_file
from app.replay_output import RUNS, new_folder, read_manifest, write_folder
from app.replay_plan import Stretch, plan_topic
from app.replay_progress import ProgressLine, Tell
from app.replay_request import Request, Span
from app.replay_rules import from_json, to_json
from app.replay_run import Part, run_topic, settle_process
from app.replay_time import time_text
from engine.partition import EngineConfig
from schemas.alert import AlertBody


@dataclass(frozen=True)
class Recorded:
    """A run that a manifest tells of: what was asked for, how it was resolved, and the digests it gave."""

    request: Request
    stretches: list[Stretch]
    digests: Mapping[str, str]


def replay(
    request: Request, out: Path, bootstrap: str, force: bool, parquet: bool, recorded: Recorded | None = None
) -> int:
    """Write the folder and say what it holds; 1 if a recorded run comes out otherwise."""
    line = ProgressLine()
    stretches = recorded.stretches if recorded and request.topic is not None else None
    manifest = asyncio.run(make_folder(request, out, bootstrap, force, parquet, line, stretches))
    line.end()
    counts, digests = manifest["counts"], manifest["digests"]
    if not manifest["exact"]:
        print(f"not exact: {manifest['exactness']}; see convergence in the manifest", file=sys.stderr)
    if manifest["refused"]:
        reasons = ", ".join(f"{count} for {reason}" for reason, count in manifest["refused"].items())
        print(f"refused: {reasons}", file=sys.stderr)
    if manifest["without_trades"]:
        print(f"no trade of {', '.join(manifest['without_trades'])} up to the end", file=sys.stderr)
    print(f"{out}: {counts['ticks']} ticks, {counts['bars']} bars, {counts['alerts']} alerts")
    for name, digest in digests.items():
        print(f"{name} {digest}")
    if recorded is not None and recorded.digests != digests:
        print("the recorded run had other results", file=sys.stderr)
        return 1
    return 0


async def make_folder(
    request: Request,
    out: Path,
    bootstrap: str,
    force: bool = False,
    parquet: bool = False,
    progress: Tell = lambda _: None,
    stretches: Sequence[Stretch] | None = None,
) -> Mapping[str, Any]:
    """Run the request into the folder `out`; its manifest. `stretches`: as they were planned before.

    Raises ReplayError, RuleSetMissingError, TopicError, ReadError, aiokafka's errors.
    """
    settle_process(request.topic)
    with new_folder(out, force) as folder:
        if request.file is not None:
            stretches = []
            parts = [await run_file(request.file, request, folder / RUNS, progress, _tell_alert)]
        else:
            stretches = await plan_topic(bootstrap, request) if stretches is None else stretches
            parts = await run_topic(bootstrap, request, stretches, folder / RUNS, progress, _tell_alert)
        about = await asyncio.to_thread(describe, request, stretches, parts)
        return await asyncio.to_thread(write_folder, folder, parts, about, parquet)


def describe(request: Request, stretches: Sequence[Stretch], parts: Sequence[Part]) -> dict[str, Any]:
    """What the manifest says of the input, the rules and the counts: enough to run it again."""
    counts = Counts()
    for part in parts:
        counts.join(part.counts)
    refused = dict(counts.refused.most_common())
    exact = request.file is not None or all(one.exact for one in stretches)
    exactness = _exactness(request, stretches)
    return {
        "input": _input(request),
        "ranges": [_range(one, part) for one, part in zip(stretches, parts, strict=False)],
        "exact": exact and exactness is None,
        "exactness": exactness or "nothing before the ranges is missing",
        "convergence": dict(sorted({name: text for part in parts for name, text in part.metrics.items()}.items())),
        "asked": {
            "span": msgspec.to_builtins(request.span, str_keys=True),
            "warmup_ns": request.warmup_ns,
            "symbols": request.symbols,
            "metrics": request.metrics,
            "state": None
            if request.state is None
            else {"file": str(request.state), "sha256": file_digest(request.state)},
        },
        "rules": None if request.rules is None else to_json(request.rules),
        "rule_sets": {
            name: msgspec.to_builtins(entries) for part in parts for name, entries in sorted(part.rule_sets.items())
        },
        "engine": asdict(request.engine),
        "counts": {**vars(counts), "refused": sum(refused.values())},
        "refused": refused,
        "without_trades": sorted(set.intersection(*(part.without_trades for part in parts))) if parts else [],
    }


def recorded_run(path: Path) -> Recorded:
    """The run that a manifest tells of. Raises ReplayError where it cannot be had again."""
    manifest = read_manifest(path)
    source, asked = manifest["input"], manifest["asked"]
    try:
        file = Path(source["file"]) if "file" in source else None
        state = None if asked["state"] is None else Path(asked["state"]["file"])
        request = Request(
            file=file,
            topic=source.get("topic"),
            span=msgspec.convert(asked["span"], Span, strict=False),
            rules=None if manifest["rules"] is None else from_json(manifest["rules"]),
            symbols=None if asked["symbols"] is None else tuple(asked["symbols"]),
            warmup_ns=asked["warmup_ns"],
            state=state,
            engine=msgspec.convert(manifest["engine"], EngineConfig),
            metrics=tuple(asked.get("metrics", ())),
        )
        stretches = msgspec.convert(manifest["ranges"], list[Stretch])
    except (KeyError, TypeError, ValueError) as error:
        raise ReplayError(f"{path} cannot be run again: {error}") from error
    for read, digest in ((file, source.get("sha256")), (state, (asked["state"] or {}).get("sha256"))):
        if read is not None and file_digest(read) != digest:
            raise ReplayError(f"{read} is not the file that the recorded run had read")
    return Recorded(request, stretches, manifest["digests"])


def _exactness(request: Request, stretches: Sequence[Stretch]) -> str | None:
    """Why it is not exact; None: it is."""
    begun = [one.partition for one in stretches if not one.exact]
    if begun:
        warmed = "" if not request.warmup_ns else " that began before them"
        shown = ", ".join(map(str, begun[:8])) + (", ..." if len(begun) > 8 else "")
        return f"partitions {shown} were read from the middle of the log on{warmed}; {BARS_BEGUN}"
    if request.state is not None and request.rules is not None:
        return "the rules came into force at the saved state, as if applied there; bars are exact"
    if request.state is not None and request.metrics:
        return "metrics that no rule of the saved state uses began there, from its kept bars; bars and alerts are exact"
    return None


def _input(request: Request) -> Mapping[str, Any]:
    if request.file is not None:
        return {"file": str(request.file), "sha256": file_digest(request.file)}
    return {"topic": request.topic}


def _range(stretch: Stretch, part: Part) -> Mapping[str, Any]:
    watermarks = {"begin_watermark_ns": part.begin_watermark_ns, "end_watermark_ns": part.end_watermark_ns}
    return {**asdict(stretch), **watermarks}


def _tell_alert(body: AlertBody) -> None:
    print(f"{time_text(body.ts)} {body.symbol} {body.rule_id} {body.price}", flush=True)
