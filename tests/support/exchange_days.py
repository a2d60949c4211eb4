"""What the exchange_calendars library knows of New York's trading days: the source of infra/us_equity_days.json.

`python -m tests.support.exchange_days` writes that file anew.
"""

import json
from pathlib import Path
from typing import Any

import exchange_calendars
import numpy as np

import infra.calendars
from infra.calendars import DAYS, FIRST_DAY, LAST_DAY

REGULAR_HOURS = "09:30 16:00"


def exceptional_days() -> dict[str, Any]:
    """Weekdays without trading, and the days that end early or begin late with their hours in New York."""
    schedule = exchange_calendars.get_calendar("XNYS", start=FIRST_DAY, end=LAST_DAY).schedule
    traded = schedule.index.to_numpy().astype("datetime64[D]")
    assert np.is_busday(traded).all(), "trading on a weekend is not provided for"
    all_days = np.arange(np.datetime64(FIRST_DAY), np.datetime64(LAST_DAY) + 1)
    hours = {
        str(day): " ".join(one.tz_convert("America/New_York").strftime("%H:%M") for one in (opened, closed))
        for day, opened, closed in zip(traded, schedule["open"], schedule["close"], strict=True)
    }
    return {
        "closed": [str(day) for day in np.setdiff1d(all_days[np.is_busday(all_days)], traded)],
        "hours": {day: both for day, both in hours.items() if both != REGULAR_HOURS},
    }


if __name__ == "__main__":
    path = Path(infra.calendars.__file__).with_name(DAYS)
    path.write_text(json.dumps(exceptional_days(), indent=0) + "\n", encoding="utf-8")
