"""Metrics that rules of elsewhere use and that there are none of, and why."""

from __future__ import annotations

from typing import Final

_QUOTES: Final = "awaits quotes, which nothing keeps"
AWAITED: Final = {
    **dict.fromkeys(("exchange", "sector"), "awaits figures that are text; all are numbers"),
    **dict.fromkeys(("minutes_since_news", "hours_since_news", "days_since_news"), "awaits news, which nothing reads"),
    **dict.fromkeys(("bid", "ask", "bid_size", "ask_size", "spread", "spread_pct"), _QUOTES),
}
"""The reason by name."""
