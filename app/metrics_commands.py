"""`tapewatch metrics`: what rules can look at, from the declarations; docs/metrics.md is the same, written out."""

from __future__ import annotations

import sys

from app.declared import parameter_lines, signature
from engine.indicators.catalogue import CATALOGUE, DECLARATIONS
from engine.rules.functions import FUNCTIONS
from schemas.hints import nearest


def list_metrics() -> int:
    """A line each."""
    width = max(len(signature(declaration)) for declaration in DECLARATIONS)
    for declaration in DECLARATIONS:
        print(f"{signature(declaration):{width}}  {declaration.unit.value:10}  {declaration.definition}")
    return 0


def describe(name: str) -> int:
    """Everything that is declared of one; 1 where there is no such metric."""
    declaration = CATALOGUE.get(name)
    if declaration is None:
        print(f"there is no metric {name!r}{nearest(name, CATALOGUE)}", file=sys.stderr)
        return 1
    print(f"{signature(declaration)}: {declaration.definition}")
    for line in parameter_lines(declaration):
        print(line)
    print(f"  unit: {declaration.unit.value}\n  first value: {declaration.warm_up}")
    print(f"  moves with: {'the forming bar' if declaration.moves else 'closed bars only'}")
    print(f"  source: {declaration.source}")
    return 0


def page() -> str:
    """docs/metrics.md."""
    lines = [
        "# Metrics",
        "",
        "Written by `tapewatch metrics page` from the declarations in `engine/indicators/`; a test holds the two equal."
        " The exact definitions are in [semantics.md](semantics.md), section 6.",
        "",
        "| metric | unit | what it is | first value | moves with | source |",
        "|---|---|---|---|---|---|",
    ]
    for one in DECLARATIONS:
        moves = "forming bar" if one.moves else "closed bars"
        cells = (
            f"`{signature(one)}`",
            one.unit.value,
            one.definition,
            one.warm_up,
            moves,
            one.source,
        )
        lines.append(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |")
    lines += ["", "# Functions", "", "| function | definition |", "|---|---|"]
    lines += [f"| `{function.name}` | {function.definition} |" for function in FUNCTIONS.values()]
    return "\n".join(lines) + "\n"


def print_page() -> int:
    """To stdout."""
    print(page(), end="")
    return 0
