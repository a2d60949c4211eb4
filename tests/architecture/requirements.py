"""What pyproject.toml asks for and constraints.txt pins, read once for the tests that compare them with reality."""

import re
import tomllib

from tests.architecture.tree import ROOT


def normalised(name: str) -> str:
    """The one spelling of a distribution's name, as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def requested(*extras: str) -> set[str]:
    """Normalised names of the direct dependencies, with those of the extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    requirements = [*project["dependencies"], *(r for extra in extras for r in project["optional-dependencies"][extra])]
    return {normalised(re.split(r"[^\w.-]", requirement)[0]) for requirement in requirements}


def constraint_lines() -> list[str]:
    """The lines of constraints.txt without its comments."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]
