"""The page: its modules' own tests where there is a Node.js, and what a strict policy demands of its files."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[3] / "api" / "static"
NODE = shutil.which("node")
LIMIT_S = 60.0
# What would take text for markup, or need a policy that allows inline code and styles.
FORBIDDEN = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|\sstyle=|\son\w+=")


@pytest.mark.skipif(NODE is None, reason="no Node.js here")
def test_the_modules_do_what_their_tests_say() -> None:
    assert NODE is not None
    script = Path(__file__).parent / "page.test.mjs"
    done = subprocess.run([NODE, "--test", str(script)], capture_output=True, text=True, check=False, timeout=LIMIT_S)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"pass 6\b", done.stdout)


def test_the_page_asks_for_its_own_files_only() -> None:
    named: set[str] = set()
    for file in PAGE.iterdir():
        text = file.read_text(encoding="utf-8")
        named |= set(re.findall(r'(?:src|href)="([^"#][^"]*)"', text) + re.findall(r'from "\./([^"]+)"', text))
        assert re.findall(r"https?://(?!www\.w3\.org/2000/svg)", text) == []
        assert FORBIDDEN.findall(text) == []
    assert named == {file.name for file in PAGE.iterdir()} - {"index.html"}
