"""Metrics of the day, of the sessions around it, of time and of the trade at hand, as section 6 words them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.support.twin.bars import volume_of
from tests.support.twin.day import Row
from tests.support.twin.profile import usual
from tests.support.twin.sessions import EPOCH, MINUTE_NS, SECOND_NS, local_date
from tests.support.twin.symbol import Symbol

Number = float | None


def difference(price: Number, reference: Number) -> Number:
    """price - reference, None where one is missing."""
    return None if price is None or reference is None else price - reference


def percent(price: Number, reference: Number) -> Number:
    """price against reference in percent."""
    return None if price is None or reference is None else 100.0 * (price / reference - 1.0)


def share(top: Number, bottom: Number) -> Number:
    """top / bottom, None where the bottom is not above 0."""
    return None if top is None or bottom is None or bottom <= 0 else top / bottom


def _hundred(number: Number) -> Number:
    return None if number is None else 100.0 * number


def _best(better: Callable[..., float], *numbers: Number) -> Number:
    there = [number for number in numbers if number is not None]
    return better(there) if there else None


# --- pre and post ------------------------------------------------------------------------------------------------


def _of_today(symbol: Symbol, session: str, name: str) -> Number:
    found = symbol.extended[session]
    extreme: Number = getattr(found, name)
    return extreme if found.date == symbol.day.date else None


def _extended_volume(symbol: Symbol, *sessions: str) -> float:
    sizes = [symbol.extended[s].size for s in sessions if s == "post" or symbol.extended[s].date == symbol.day.date]
    return volume_of(sum(sizes, start=type(symbol.day.value)(0)), symbol.size_scale)


def _extended_extreme(symbol: Symbol, name: str) -> Number:
    of_day: Number = getattr(symbol.day, name)
    around = (_of_today(symbol, session, name) for session in ("pre", "post"))
    return _best(max if name == "high" else min, of_day, *around)


def _in(row: Row, session: str, number: Number) -> Number:
    return number if row.at.session == session else None


# --- gap and range -----------------------------------------------------------------------------------------------


def _gap_from(symbol: Symbol) -> Number:
    return symbol.price if symbol.day.open is None else symbol.day.open


def _gap_fill(symbol: Symbol) -> Number:
    gap = difference(symbol.day.open, symbol.prior_close)
    if not gap:
        return None
    furthest = difference(symbol.day.open, symbol.day.low if gap > 0 else symbol.day.high)
    return None if furthest is None else 100.0 * furthest / gap


def _range(symbol: Symbol) -> Number:
    return difference(symbol.day.high, symbol.day.low)


def _over(top: Number, bottom: Number) -> Number:
    return None if top is None or bottom is None else 100.0 * top / bottom


def _below_high(symbol: Symbol, high: Number) -> Number:
    return _over(difference(high, symbol.price), high)


def _above_low(symbol: Symbol, low: Number) -> Number:
    return _over(difference(symbol.price, low), low)


def _before_today(symbol: Symbol) -> Sequence[float]:
    return [bar.volume for bar in symbol.closed["1d"] if bar.start != symbol.day.start]


def mean_of_days(symbol: Symbol, days: int) -> Number:
    """Mean volume of the closed days before the current one."""
    volumes, total = _before_today(symbol)[-days:], 0.0
    for volume in volumes:
        total += volume
    return total / days if len(volumes) == days else None


def close_days_ago(symbol: Symbol, row: Row, days: int, begun: int) -> Number:
    """Regular close that many trading days ago."""
    del row, begun
    closes = [bar.close for bar in symbol.closed["1d"] if bar.start != symbol.day.start]
    return closes[-days] if len(closes) >= days else None


def price_seconds_ago(symbol: Symbol, row: Row, seconds: int, begun: int) -> Number:
    """Today's price after the last trade row in a second that long ago or longer, of the rows since `begun`."""
    if row.at.session == "closed":
        return None
    wanted, found = row.t // SECOND_NS - seconds, None
    for second, price, day_start in symbol.prices[begun:]:
        if second <= wanted and day_start == row.at.day_start:
            found = price
    return found


def opening_range(symbol: Symbol, row: Row, minutes: int, name: str, begun: int) -> Number:
    """Extreme of the 1m bars that start in the first minutes of the day's regular session, once they are over; of the
    bars since `begun`."""
    start, end = row.at.regular_start, row.at.regular_start + minutes * MINUTE_NS
    if row.at.session == "closed" or row.t < end:
        return None
    extremes = [getattr(bar, name) for bar in symbol.closed["1m"][begun:] if start <= bar.start < end]
    return _best(max if name == "high" else min, *extremes)


# --- time --------------------------------------------------------------------------------------------------------


def _minutes(row: Row, start: int, sessions: Sequence[str]) -> Number:
    minute = row.t // MINUTE_NS
    return float(minute - start // MINUTE_NS) if row.at.session in sessions else None


def _to_close(row: Row) -> Number:
    gone = _minutes(row, row.at.regular_end, ("regular",))
    return None if gone is None else -gone


def _weekday(row: Row) -> Number:
    return None if row.at.day is None else float(((row.at.day - EPOCH).days + 3) % 7 + 1)


def _size(row: Row) -> Number:
    return None if row.trade is None else row.trade.size


def _value(row: Row) -> Number:
    return None if row.trade is None else row.trade.price * row.trade.size


def _same_time(symbol: Symbol, row: Row) -> Number:
    expected = None if row.at.session == "closed" else usual(symbol, row)
    return share(100.0 * symbol.volume_day(), expected)


def _dollars(symbol: Symbol) -> Number:
    scale = symbol.price_scale + symbol.size_scale
    units = int(symbol.day.value.scaleb(scale))
    high, low = divmod(units, 2**31)
    return (float(high) * 2.0**31 + low) / 10.0**scale


# --- as supplied -------------------------------------------------------------------------------------------------


def _supplied(name: str) -> Callable[[Symbol, Row], Number]:
    return lambda symbol, _: symbol.supplied.get(name)


def _market_cap(symbol: Symbol) -> Number:
    shares = symbol.supplied.get("shares_outstanding")
    return None if shares is None or symbol.price is None else shares * symbol.price


def _days_until_earnings(symbol: Symbol, row: Row) -> Number:
    if "earnings" not in symbol.supplied:
        return None
    today, then = local_date(symbol.market, row.t), local_date(symbol.market, int(symbol.supplied["earnings"]))
    return None if today is None or then is None or then < today else float((then - today).days)


MARKET: dict[str, Callable[[Symbol, Row], Number]] = {
    "day_close": lambda s, _: s.day.close,
    "prior_high": lambda s, _: s.prior_high,
    "prior_low": lambda s, _: s.prior_low,
    "change_from_close_premarket": lambda s, r: _in(r, "pre", difference(s.price, s.prior_close)),
    "change_from_close_premarket_pct": lambda s, r: _in(r, "pre", percent(s.price, s.prior_close)),
    "change_from_close_postmarket": lambda s, r: _in(r, "post", difference(s.price, s.day.close)),
    "change_from_close_postmarket_pct": lambda s, r: _in(r, "post", percent(s.price, s.day.close)),
    "premarket_high": lambda s, _: _of_today(s, "pre", "high"),
    "premarket_low": lambda s, _: _of_today(s, "pre", "low"),
    "day_high_ext": lambda s, _: _extended_extreme(s, "high"),
    "day_low_ext": lambda s, _: _extended_extreme(s, "low"),
    "premarket_volume": lambda s, _: _extended_volume(s, "pre"),
    "postmarket_volume": lambda s, _: _extended_volume(s, "post"),
    "overnight_volume": lambda s, _: _extended_volume(s, "post", "pre"),
    "gap": lambda s, _: difference(_gap_from(s), s.prior_close),
    "gap_pct": lambda s, _: percent(_gap_from(s), s.prior_close),
    "gap_fill_pct": lambda s, _: _gap_fill(s),
    "range_today": lambda s, _: _range(s),
    "range_pct_today": lambda s, _: _over(_range(s), s.day.low),
    "position_in_range_today": lambda s, _: share(_hundred(difference(s.price, s.day.low)), _range(s)),
    "dist_to_day_high_pct": lambda s, _: _below_high(s, s.day.high),
    "dist_to_day_low_pct": lambda s, _: _above_low(s, s.day.low),
    "dist_to_day_high_ext_pct": lambda s, _: _below_high(s, _extended_extreme(s, "high")),
    "dist_to_day_low_ext_pct": lambda s, _: _above_low(s, _extended_extreme(s, "low")),
    "dollar_volume_day": lambda s, _: _dollars(s),
    "relative_volume_day": lambda s, _: share(100.0 * s.volume_day(), mean_of_days(s, 10)),
    "relative_volume_same_time": _same_time,
    "session": lambda _, r: float(("closed", "pre", "regular", "post").index(r.at.session)),
    "minutes_in_market": lambda _, r: _minutes(r, r.at.regular_start, ("regular", "post")),
    "minutes_to_close": lambda _, r: _to_close(r),
    "time_of_day": lambda _, r: _minutes(r, r.at.midnight, ("pre", "regular", "post")),
    "weekday": lambda _, r: _weekday(r),
    "trade_size": lambda _, r: _size(r),
    "trade_value": lambda _, r: _value(r),
    **{
        name: _supplied(name)
        for name in (
            *("float", "shares_outstanding"),
            *("short_interest_pct", "institutional_ownership_pct", "short_ratio"),
        )
    },
    "market_cap": lambda s, _: _market_cap(s),
    "days_until_earnings": _days_until_earnings,
    "halted": lambda s, _: float(s.halted),
    "minutes_since_halt": lambda s, r: float((r.t - s.halted_t) // MINUTE_NS) if s.halted_t >= 0 else None,
    "seconds_since_trade": lambda s, r: (r.t - s.trade_t) / 1e9 if s.trade_t >= 0 else None,
}
