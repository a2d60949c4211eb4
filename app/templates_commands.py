"""`tapewatch templates`: the alert types, from their declarations; docs/templates.md is the same, written out."""

from __future__ import annotations

import sys

from app.declared import parameter_lines, signature
from engine.rules.templates.catalogue import TEMPLATES
from engine.rules.templates.declare import Template
from schemas.hints import nearest

_DURING = {"all": "-", "market": "market"}


def list_templates() -> int:
    """A line each."""
    width = max(len(signature(template)) for template in TEMPLATES.values())
    for template in TEMPLATES.values():
        print(f"{signature(template):{width}}  {template.description}")
    return 0


def describe(name: str) -> int:
    """Everything that is declared of one; 1 where there is no such alert type."""
    template = TEMPLATES.get(name)
    if template is None:
        print(f"there is no alert type {name!r}{nearest(name, TEMPLATES)}", file=sys.stderr)
        return 1
    print(f"{signature(template)}: {template.description}")
    for line in parameter_lines(template):
        print(line)
    print(f"  condition: {template.condition}")
    print(f"  trigger: {trigger(template)}")
    print(f"  volume_threshold: {template.volume or '-'}\n  calculated_during: {template.during}")
    if template.mirror:
        print(f"  the other direction: {template.mirror}")
    return 0


def trigger(template: Template) -> str:
    """When a rule of it is told, unless it says otherwise."""
    return f"{template.trigger} of its timeframe" if template.trigger == "bar_close" else template.trigger


def page() -> str:
    """docs/templates.md."""
    lines = [
        "# Alert types",
        "",
        "Written by `tapewatch templates page` from the declarations in `engine/rules/templates/`; a test holds the two"
        " equal. How rules use them: [rules.md](rules.md#alert-types).",
        "",
        "`volume` is the day's volume that a rule asks for, `during` its session; `volume_threshold`,"
        " `calculated_during` and `trigger` of the rule change them. In expressions an alert type is its condition"
        " alone.",
        "",
        "| alert type | what it is | condition | trigger | volume | during |",
        "|---|---|---|---|---|---|",
    ]
    for one in TEMPLATES.values():
        volume = f"{one.volume:,}" if one.volume else "-"
        cells = (
            f"`{signature(one)}`",
            one.description,
            f"`{one.condition}`",
            one.trigger,
            volume,
            _DURING[one.during],
        )
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", *_TA_LIB]
    return "\n".join(lines) + "\n"


_TA_LIB = (
    "# Candles and TA-Lib",
    "",
    "| alert type | TA-Lib | how they differ |",
    "|---|---|---|",
    "| `bullish_engulfing` | `CDLENGULFING` > 0 | not at all |",
    "| `bearish_engulfing` | `CDLENGULFING` < 0 | TA-Lib takes a doji for a rising candle, and lets it be engulfed |",
    "| `bullish_harami`, `bearish_harami` | `CDLHARAMI` | TA-Lib asks for a long candle before a short one, by the mean"
    " body of ten, and lets the second have any colour and one end be the same (80 instead of 100); where it says 100"
    " and the second has the other colour, these find it too |",
    "| `doji` | `CDLDOJI` | TA-Lib measures the body by the mean range of ten candles, this by the candle's own |",
    "| `hammer`, `shooting_star` | `CDLHAMMER`, `CDLSHOOTINGSTAR` | TA-Lib measures by means of ten candles and by the"
    " candle before, these by the candle itself and the extreme of five |",
    "| `inside_bar`, `outside_bar`, shadows, closes, new highs and lows | none | |",
)


def print_page() -> int:
    """To stdout."""
    print(page(), end="")
    return 0
