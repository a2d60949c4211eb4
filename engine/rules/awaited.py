"""Metrics that rules of elsewhere use and that there are none of, and why."""

from __future__ import annotations

from typing import Final

_REFERENCE: Final = "awaits reference data, which nothing supplies yet"
_QUOTES: Final = "awaits quotes, which nothing keeps"
AWAITED: Final = {
    **dict.fromkeys(("float", "shares_outstanding", "market_cap", "exchange", "sector"), _REFERENCE),
    **dict.fromkeys(("short_interest_pct", "institutional_ownership_pct", "short_ratio"), _REFERENCE),
    **dict.fromkeys(("days_until_earnings",), _REFERENCE),
    **dict.fromkeys(("minutes_since_news", "hours_since_news", "days_since_news"), "awaits news, which nothing reads"),
    **dict.fromkeys(("bid", "ask", "bid_size", "ask_size", "spread", "spread_pct"), _QUOTES),
}
"""The reason by name."""
