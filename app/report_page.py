"""A replay's report as one page that needs nothing else: tables, and charts as SVG inside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

MOST_CHARTED: Final = 100
"""Rules with charts; the tables and report.json have all of them."""
WIDTH: Final = 420
HEIGHT: Final = 130
FLOOR: Final = 18
"""Below the bars: room for labels."""

_STYLE: Final = """
:root{color-scheme:light dark;--up:#2a9d6f;--down:#c8553d;--bar:#4a7fb5;--line:#8884}
body{font:15px/1.45 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2.2rem}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:.25rem .7rem;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
th:first-child,td:first-child{text-align:left}small{opacity:.65}
.charts{display:flex;flex-wrap:wrap;gap:1.5rem}figure{margin:0}figcaption{font-size:.85rem;opacity:.75}
svg text{font-size:10px;fill:currentColor}.note{border-left:3px solid var(--down);padding-left:.8rem}
dt{font-weight:600}dd{margin:0 0 .5rem}
""".strip()


def page(manifest: Mapping[str, Any], report: Mapping[str, Any]) -> str:
    """The whole page."""
    rules: Mapping[str, Any] = report["rules"]
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>",
        f"<title>Replay report</title><style>{_STYLE}</style><h1>Replay report</h1>",
        _about(manifest),
        "<h2>Rules</h2>",
        _overview(rules) if rules else "<p>No rule fired.</p>",
        *(_rule(name, figures) for name, figures in list(rules.items())[:MOST_CHARTED]),
        _more(rules),
        "<h2>What the figures mean</h2><dl>",
        *(f"<dt>{escape(name)}<dd>{escape(text)}" for name, text in report["definitions"].items()),
        "</dl></html>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _about(manifest: Mapping[str, Any]) -> str:
    counts, source = manifest["counts"], manifest["input"]
    what = f"topic {source['topic']}" if "topic" in source else f"file {source['file']}"
    lines = [
        f"<p>{escape(what)}: {counts['ticks']:,} ticks, {counts['bars']:,} bars, {counts['alerts']:,} alerts. "
        f"{escape(manifest['program'])}.</p>"
    ]
    if not manifest["exact"]:
        needs = "".join(f"<dt>{escape(m)}<dd>{escape(n)}" for m, n in manifest["convergence"].items())
        lines.append(
            f"<div class=note><p>Not exact: {escape(manifest['exactness'])}.</p><details><summary>What each metric "
            f"needs of the log before</summary><dl>{needs}</dl></details></div>"
        )
    return "".join(lines)


def _overview(rules: Mapping[str, Any]) -> str:
    horizons = list(next(iter(rules.values()))["returns"])
    heads = "".join(f"<th>mean after {horizon} min<th>hit rate" for horizon in horizons)
    rows = "".join(
        f"<tr><td>{escape(name)}<td>{one['fires']:,}<td>{one['symbols']:,}"
        + "".join(_return_cells(one["returns"][horizon]) for horizon in horizons)
        + _moves_cells(one["moves"])
        for name, one in rules.items()
    )
    return (
        f"<div class=scroll><table><thead><tr><th>rule<th>fires<th>symbols{heads}<th>mean move for<th>against"
        f"<th>largest for<th>against</thead><tbody>{rows}</tbody></table></div>"
    )


def _return_cells(found: Mapping[str, Any]) -> str:
    return (
        f"<td>{_percent(found['mean_pct'], found['n'])}<td>{_percent(found['hit_rate_pct'], found['n'], signed=False)}"
    )


def _moves_cells(moves: Mapping[str, Any]) -> str:
    names = ("for_mean_pct", "against_mean_pct", "for_largest_pct", "against_largest_pct")
    return "".join(f"<td>{_percent(moves[name], moves['n'])}" for name in names)


def _percent(value: float | None, n: int, signed: bool = True) -> str:
    text = "–" if value is None else f"{value:+.3f} %" if signed else f"{value:.1f} %"
    return f"{text} <small>n={n:,}</small>"


def _rule(name: str, one: Mapping[str, Any]) -> str:
    days, returns = one["days"], one["returns"]
    symbols = ", ".join(f"{escape(symbol)} {count:,}" for symbol, count in one["top_symbols"])
    by_day = _chart([(day[5:], count, f"{day}: {count:,}") for day, count in days.items()])
    after = [
        (f"{horizon} min, n={r['n']}", r["mean_pct"] or 0.0, f"after {horizon} min: {r['mean_pct']} %, n={r['n']}")
        for horizon, r in returns.items()
    ]
    return (
        f"<h2>{escape(name)}</h2><p>{one['fires']:,} fires on {one['symbols']:,} symbols, most on {symbols}</p>"
        f"<div class=charts><figure>{by_day}<figcaption>fires a day, n={one['fires']:,}</figcaption></figure>"
        f"<figure>{_chart(after, signed=True)}<figcaption>mean return in percent</figcaption></figure></div>"
    )


def _more(rules: Mapping[str, Any]) -> str:
    more = len(rules) - MOST_CHARTED
    return f"<p>{more:,} more rules have no charts here; the table has them.</p>" if more > 0 else ""


def _chart(columns: Sequence[tuple[str, float, str]], signed: bool = False) -> str:
    """Columns of (label, value, what is shown under the pointer)."""
    most = max((abs(value) for _, value, _ in columns), default=0) or 1.0
    room = HEIGHT - FLOOR
    zero = room / 2 if signed else room
    width = WIDTH / max(1, len(columns))
    every = max(1, -(-len(columns) // 6))
    shapes = [f"<line x1=0 x2={WIDTH} y1={zero:.0f} y2={zero:.0f} stroke='var(--line)'/>"]
    for at, (label, value, told) in enumerate(columns):
        height = abs(value) / most * (zero - 12)
        top = zero - height if value >= 0 else zero
        colour = "--bar" if not signed else "--up" if value >= 0 else "--down"
        left = (at + 0.1) * width
        shapes.append(
            f"<rect x={left:.1f} y={top:.1f} width={width * 0.8:.1f} height={height:.1f} fill='var({colour})'>"
            f"<title>{escape(told)}</title></rect>"
        )
        if at % every == 0:
            shapes.append(f"<text x={left:.1f} y={HEIGHT - 4}>{escape(label)}</text>")
    return f"<svg viewBox='0 0 {WIDTH} {HEIGHT}' width={WIDTH} height={HEIGHT} role=img>{''.join(shapes)}</svg>"
