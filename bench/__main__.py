"""`python -m bench`: measures everything in one go, shows one table, and keeps it in bench/results."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from app.settings import load_settings
from bench.figures import Board, table
from bench.latency import measure_latency
from bench.many_symbols import SYMBOLS as MANY
from bench.many_symbols import measure_many_symbols
from bench.memory import SYMBOLS, measure_memory
from bench.overhead import measure_overhead
from bench.recovery import measure_recovery
from bench.results import machine, versions, write
from bench.rule_costs import measure_rules
from bench.throughput import PARTS, Sizes, measure_throughput
from infra.allocator import keep_memory_small
from infra.collector import collect_rarely
from infra.embedded.kafka import find_runtime

ALL_PARTS: Final = (*PARTS, "rules", "symbols100k", "memory", "recovery", "overhead", "latency")
BUSY: Final = 0.5
_BEGUN: Final = time.monotonic()


def main() -> int:
    """0: measured; whether targets are met is in the table."""
    options = _options()
    logging.basicConfig(level=logging.ERROR)
    # As in the worker, for the parts that run in this process.
    keep_memory_small()
    collect_rarely()
    folder = Path(tempfile.mkdtemp(prefix="tapewatch-bench-"))
    board, about = Board(), {"machine": machine()}
    load = about["machine"]["load_before"]
    if load > BUSY:
        _tell(f"others are at work on this machine (load {load}): do not trust delays and absolute figures")
    try:
        asyncio.run(_measure(options, board, folder))
        about["versions"] = versions(find_runtime(load_settings({}).cache).java)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    about["run"] = {"parts": " ".join(sorted(options.only)), "quick": options.quick, "seconds": round(_elapsed_s())}
    print(table(board.rows()) if options.quick or options.only != set(ALL_PARTS) else write(board, about))
    return 0


async def _measure(options: argparse.Namespace, board: Board, folder: Path) -> None:
    runtime = await asyncio.to_thread(find_runtime, load_settings({}).cache, _tell)
    sizes = Sizes.quick() if options.quick else Sizes()
    symbols = SYMBOLS // (10 if options.quick else 1)
    parts = set(PARTS) & options.only
    if parts:
        await measure_throughput(board, folder, runtime, parts, sizes, options.runs, _tell)
    if "rules" in options.only:
        ticks = 4 * (sizes.engine_ticks // (4 if options.quick else 1))
        await measure_rules(board, sizes.symbols, sizes.rate, ticks, options.runs, _tell)
    if "symbols100k" in options.only:
        await measure_many_symbols(board, MANY // (10 if options.quick else 1), _tell)
    if "memory" in options.only:
        _tell("memory and restore")
        await measure_memory(board, folder / "memory", runtime, symbols, options.runs)
    if "recovery" in options.only:
        await measure_recovery(board, folder / "recovery", runtime, symbols, options.runs, _tell)
    if "overhead" in options.only:
        await measure_overhead(board, folder / "overhead", runtime, symbols, options.runs, sizes.window_s, _tell)
    if "latency" in options.only:
        _tell("tick to alert")
        await measure_latency(board, folder / "latency", sizes.symbols, options.runs, sizes.live_window_s, _tell)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("bench", description=__doc__)
    parser.add_argument("--only", type=_parts, default=set(ALL_PARTS), help=f"by comma: {', '.join(ALL_PARTS)}")
    parser.add_argument("--runs", type=int, default=5, help="of each figure (5)")
    parser.add_argument("--quick", action="store_true", help="small sizes, for trying it out; keeps no results")
    return parser.parse_args()


def _parts(text: str) -> set[str]:
    parts = set(text.split(","))
    if not parts <= set(ALL_PARTS):
        raise argparse.ArgumentTypeError(f"there are no parts {', '.join(sorted(parts - set(ALL_PARTS)))}")
    return parts


def _elapsed_s() -> float:
    return time.monotonic() - _BEGUN


def _tell(text: str) -> None:
    with contextlib.suppress(BrokenPipeError):
        print(f"[{_elapsed_s():5.1f} s] {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
