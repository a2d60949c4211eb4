"""Where recorded markets are found, and the reason to skip where they are not."""

import os
from pathlib import Path

import pytest

VARIABLE = "TAPEWATCH_REAL_DATA"


def real_data(name: str) -> Path:
    """The folder `name` of the recorded data; skips, saying so, where there is none."""
    folder = os.environ.get(VARIABLE)
    if not folder:
        pytest.skip(f"{VARIABLE} is unset: no recorded market to compare with")
    return Path(folder) / name
