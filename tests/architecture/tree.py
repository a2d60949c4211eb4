"""How the tests of the house rules see the source tree: which files there are, and each one parsed once."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Lowest first. A package may import those of lower layers and itself, never a sibling of its own layer.
LAYERS = (("schemas",), ("engine",), ("tables", "infra"), ("agents", "api", "ingest"), ("app",))
PACKAGES = tuple(package for layer in LAYERS for package in layer)


@dataclass(frozen=True)
class Source:
    """One Python file: its path below the root, with forward slashes, and its text."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree; SyntaxError names the file."""
        return ast.parse(self.text, self.path)

    @property
    def package(self) -> str:
        """The top-level folder that the file is in."""
        return self.path.split("/")[0]


@cache
def sources(*folders: str) -> tuple[Source, ...]:
    """Every Python file below these top-level folders, sorted by path."""
    files = sorted(file for folder in folders for file in (ROOT / folder).rglob("*.py"))
    return tuple(Source(file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8")) for file in files)


def imports(source: Source) -> Iterator[tuple[int, str]]:
    """Yield (line, full dotted name) of everything a file imports, wherever in the file and by whatever means."""
    for node in ast.walk(source.tree):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, alias.name) for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                base = source.path.split("/")[:-level] if level else []
                prefix = ".".join([*base, *([module] if module else [])])
                yield from ((node.lineno, f"{prefix}.{alias.name}") for alias in names)
            case ast.Call(
                func=ast.Name(id="__import__" | "import_module") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                yield node.lineno, name
