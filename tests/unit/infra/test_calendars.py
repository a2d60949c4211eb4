"""The exchange's days: what stands in the file is what the library knows, and the sessions made of it."""

import json
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

import infra.calendars
from engine.calendar import CLOSED, POST, PRE, REGULAR, US_EQUITY, MarketCalendar
from infra.calendars import DAYS, load_calendars
from tests.support.exchange_days import exceptional_days

NEW_YORK = ZoneInfo("America/New_York")


def test_the_file_holds_what_the_library_knows() -> None:
    stored = json.loads(Path(infra.calendars.__file__).with_name(DAYS).read_text(encoding="utf-8"))
    assert stored == exceptional_days(), "renew it: python -m tests.support.exchange_days"


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        ("2024-01-12", ["04:00", "09:30", "16:00", "20:00"]),  # winter
        ("2024-06-12", ["04:00", "09:30", "16:00", "20:00"]),  # summer
        ("2024-07-03", ["04:00", "09:30", "13:00", "20:00"]),  # ends early
        ("2024-07-04", []),  # a holiday
        ("2024-07-06", []),  # a Saturday
        ("1995-01-03", ["04:00", "09:30", "16:00", "20:00"]),  # the first
        ("2030-12-31", ["04:00", "09:30", "16:00", "20:00"]),  # the last
    ],
)
def test_a_day_has_its_sessions(day: str, hours: list[str]) -> None:
    calendar = load_calendars()[US_EQUITY]
    begins = [f"{at:%H:%M}" for at in _begins(calendar) if f"{at:%Y-%m-%d}" == day]
    assert begins == hours


def test_sessions_follow_one_another_and_belong_to_their_day() -> None:
    calendar = load_calendars()[US_EQUITY]
    assert calendar.session.reshape(-1, 4).tolist() == [[PRE, REGULAR, POST, CLOSED]] * (len(calendar.session) // 4)
    assert (calendar.boundaries_minute[1:] > calendar.boundaries_minute[:-1]).all()
    local = [(at.date() - date(1970, 1, 1)).days for at in _begins(calendar)]
    assert [one for one in calendar.day.tolist() if one >= 0] == [day for n, day in enumerate(local) if n % 4 != 3]


def _begins(calendar: MarketCalendar) -> list[datetime]:
    return [datetime.fromtimestamp(60 * minute, NEW_YORK) for minute in calendar.boundaries_minute.tolist()]
