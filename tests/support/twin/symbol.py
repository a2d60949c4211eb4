"""One symbol of the twin: its clock, its running and closed bars, its day, one trade after the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from schemas.bar import Bar
from tests.support.twin.bars import (
    CLOSING,
    HIGH_LOW,
    LAST,
    LENGTHS,
    OPENING,
    VOLUME,
    Build,
    Figures,
    Sums,
    Trade,
    figures,
    join,
    joined,
    published,
    volume_of,
)
from tests.support.twin.day import Day, Extended, Row
from tests.support.twin.profile import fold
from tests.support.twin.sessions import MINUTE_NS, SECOND_NS, Moment, market_of, moment

if TYPE_CHECKING:
    from tests.support.twin.indicators import Whole
    from tests.support.twin.metrics import Recursion

AMEND_NS = 30 * 10**9
REMEMBERED = 32
ROLL_UPS = tuple(LENGTHS)[1:]


class Symbol:
    """What is known of one symbol. `on_row` is shown each row; bars go to `bars`."""

    def __init__(self, name: str, on_row: Callable[[Symbol, Row], None]) -> None:
        self.name, self.market, self._on_row = name, market_of(name), on_row
        self.bars: list[Bar] = []
        self.newest_ts = -1
        self.row_t, self.row_ordinal = -1, 0
        self.price: float | None = None
        self.price_ts = -1
        self.price_scale = self.size_scale = 0
        self.ids: deque[bytes] = deque(maxlen=REMEMBERED)
        self.minute: Build | None = None
        self.rolls: dict[str, Build] = {}
        self.newest: dict[str, Build] = {}
        self.closed: dict[str, list[Figures]] = {name: [] for name in (*LENGTHS, "1d")}
        self.in_use: set[str] = set()
        self.day = Day()
        self.prior_close: float | None = None
        self.prior_high: float | None = None
        self.prior_low: float | None = None
        self.extended = {"pre": Extended(), "post": Extended()}
        self.halted, self.halted_t = False, -1
        self.supplied: dict[str, float] = {}
        self.tags: frozenset[str] = frozenset()
        self.trade_t = -1
        self.profile: list[float] | None = None
        self.profile_days = 0
        self.prices: list[tuple[int, float, int]] = []
        self.session_sums, self.session_regular = Sums(), False
        self.recursions: dict[str, Recursion | Whole] = {}
        self.begun: dict[str, int] = {}
        self.memory: Any = None
        self.fires: dict[tuple[str, str], Any] = {}
        self.late: list[Trade] = []
        self.amended = self.duplicates = 0

    # --- time --------------------------------------------------------------------------------------------------

    def advance(self, clock: int) -> None:
        """The clock has reached this: close what ends by then, by end and then by length."""
        while True:
            ends = [roll.end for roll in self.rolls.values()]
            ends += [self.minute.end] if self.minute is not None else []
            ends += [self.day.end] if self.day.bar_open else []
            if not ends or min(ends) > clock:
                return
            self._close_ending(min(ends))

    def _close_ending(self, end: int) -> None:
        minute = self.minute
        if minute is not None and minute.end == end:
            if minute.open is not None:
                self._close_row("1m", end)
            self.minute = None
            self.newest["1m"] = minute
            if minute.open is not None:
                self._publish("1m", minute)
                for timeframe in ROLL_UPS:
                    self._roll_up(timeframe, minute)
                self.closed["1m"].append(figures(minute, self.size_scale))
        for timeframe in ROLL_UPS:
            roll = self.rolls.get(timeframe)
            if roll is not None and roll.end == end:
                self._close_row(timeframe, end)
                del self.rolls[timeframe]
                self.newest[timeframe] = roll
                self._publish(timeframe, roll)
                self.closed[timeframe].append(figures(roll, self.size_scale))
        if self.day.bar_open and self.day.end == end:
            present = self.day_bar() is not None
            if present:
                self._close_row("1d", end)
            self.day.bar_open = False
            if present:
                bar = self._day_build()
                self._publish("1d", bar)
                self.closed["1d"].append(figures(bar, self.size_scale))
                fold(self)

    def _close_row(self, timeframe: str, end: int) -> None:
        t = end - 1
        self._row(t, moment(self.market, t), None, timeframe)

    def _row(self, t: int, at: Moment, trade: Trade | None, closing: str | None = None) -> None:
        self.row_ordinal = self.row_ordinal + 1 if t == self.row_t else 0
        self.row_t = t
        self._on_row(self, Row(t, self.row_ordinal, at, trade, closing))

    def _publish(self, timeframe: str, build: Build) -> None:
        self.bars.append(published(self.name, timeframe, build, self.price_scale, self.size_scale))

    def bounds(self, timeframe: str, ts: int) -> tuple[int, int]:
        """Start and end of the bar that `ts` lies in."""
        length = LENGTHS[timeframe] * MINUTE_NS
        if LENGTHS[timeframe] < 60:
            start = ts - ts % length
            return start, start + length
        at = moment(self.market, ts)
        start = ts - (ts - at.session_start) % length
        return start, min(start + length, at.session_end)

    def _roll_up(self, timeframe: str, minute: Build) -> None:
        start, end = self.bounds(timeframe, minute.start)
        self.rolls[timeframe] = joined(self.rolls.get(timeframe), minute, start, end)

    # --- trades ------------------------------------------------------------------------------------------------

    def trade(self, trade: Trade, watermark: int) -> str | None:
        """Take in a trade that is well-formed; a reason if it does not fit."""
        reason = self._fit(trade)
        if reason is not None:
            return reason
        if trade.key:
            if trade.key in self.ids:
                self.duplicates += 1
                return None
            self.ids.append(trade.key)
        clock = max(self.newest_ts, watermark)
        end = (trade.ts // MINUTE_NS + 1) * MINUTE_NS
        if end <= clock:
            self._late(trade, clock, end)
        else:
            self._on_time(trade)
        return None

    def _fit(self, trade: Trade) -> str | None:
        price, size = Decimal(repr(trade.price)), Decimal(repr(trade.size))
        price_decimals, size_decimals = _decimals(price), _decimals(size)
        if price_decimals > 9 or size_decimals > 8:
            return "decimals"
        price_scale, size_scale = max(self.price_scale, price_decimals), max(self.size_scale, size_decimals)
        price_units, size_units = int(price.scaleb(price_scale)), int(size.scaleb(size_scale))
        if price_units >= 10**15 or size_units >= 10**15 or price_units * size_units >= 2**62:
            return "does not fit"
        same_day = moment(self.market, trade.ts).day == self.day.date
        before = self.day.sums.size if same_day else Decimal(0)
        adds = size if trade.can(VOLUME) else Decimal(0)
        if int((before + adds).scaleb(size_scale)) >= 2**62:
            return "does not fit"
        self.price_scale, self.size_scale = price_scale, size_scale
        return None

    def _on_time(self, trade: Trade) -> None:
        self.newest_ts = max(self.newest_ts, trade.ts)
        self.advance(trade.ts)
        at = moment(self.market, trade.ts)
        self._begin(at)
        if trade.can(LAST) and trade.ts >= self.price_ts:
            self.price, self.price_ts = trade.price, trade.ts
        if at.session != "closed":
            start = trade.ts - trade.ts % MINUTE_NS
            if self.minute is None:
                self.minute = Build(start, start + MINUTE_NS, at.session)
            self.minute.trade(trade)
            self._to_day(trade, at)
        self.trade_t = max(trade.ts, self.row_t)
        if at.session != "closed" and self.price is not None and self.price_ts >= at.day_start:
            self.prices.append((self.trade_t // SECOND_NS, self.price, at.day_start))
        self._row(self.trade_t, at, trade)

    def status(self, ts: int, halted: bool, watermark: int) -> None:
        """A halt or its end; what only repeats what is known does nothing."""
        if halted == self.halted:
            return
        self.newest_ts = max(self.newest_ts, ts)
        t = max(self.newest_ts, watermark, self.row_t)
        self.advance(t)
        at = moment(self.market, t)
        self._begin(at)
        self.halted = halted
        if halted:
            self.halted_t = t
        self._row(t, at, None)

    def _begin(self, at: Moment) -> None:
        if at.session == "closed":
            return
        if at.day != self.day.date:
            if self.day.close is not None:
                self.prior_close, self.prior_high, self.prior_low = self.day.close, self.day.high, self.day.low
            self.day = Day(at.day, at.day_start, at.day_end, bar_open=True)
            self.session_sums, self.session_regular = Sums(), False
        if at.session in ("regular", "post"):
            self._begin_regular()

    def _begin_regular(self) -> None:
        if not self.session_regular:
            self.session_sums, self.session_regular = Sums(), True

    def _to_day(self, trade: Trade, at: Moment) -> None:
        day = self.day
        self._add_to_day(trade, at)
        self.session_sums.add(trade)
        if at.session == "regular" and trade.can(HIGH_LOW):
            day.high = trade.price if day.high is None else max(day.high, trade.price)
            day.low = trade.price if day.low is None else min(day.low, trade.price)
        if not trade.can(LAST):
            return
        if trade.flags & OPENING and not day.by_opening:
            day.open, day.by_opening = trade.price, True
        elif at.session == "regular" and day.open is None:
            day.open = trade.price
        if trade.flags & CLOSING and at.session in ("regular", "post"):
            day.close, day.by_closing = trade.price, True
        elif at.session == "regular" and not day.by_closing and trade.ts >= day.close_ts:
            day.close, day.close_ts = trade.price, trade.ts

    # --- late trades -------------------------------------------------------------------------------------------

    def _late(self, trade: Trade, clock: int, end: int) -> None:
        at = moment(self.market, trade.ts)
        if clock - end > AMEND_NS or at.session == "closed" or at.day != self.day.date:
            self.late.append(trade)
            return
        self.amended += 1
        start = end - MINUTE_NS
        minute = self.newest.get("1m")
        if minute is None or minute.start != start:
            minute = self.newest["1m"] = Build(start, end, at.session)
        was_present, open_before = minute.open is not None, minute.open_ts
        minute.trade(trade)
        self._late_day(trade, at)
        if minute.open is None:
            return
        self._again("1m", minute, was_present)
        for timeframe in ROLL_UPS:
            self._late_roll(timeframe, minute, trade, was_present, open_before, clock)

    def _add_to_day(self, trade: Trade, at: Moment) -> None:
        self.day.sums.add(trade)
        if trade.can(VOLUME):
            self.day.value += Decimal(repr(trade.price)) * Decimal(repr(trade.size))
        if at.session in self.extended:
            if self.extended[at.session].date != at.day:
                self.extended[at.session] = Extended(at.day)
            self.extended[at.session].add(trade)

    def _late_day(self, trade: Trade, at: Moment) -> None:
        day = self.day
        self._add_to_day(trade, at)
        if at.session != "pre":
            self._begin_regular()
        if at.session != "pre" or not self.session_regular:
            self.session_sums.add(trade)
        if at.session == "regular" and trade.can(HIGH_LOW):
            day.high = trade.price if day.high is None else max(day.high, trade.price)
            day.low = trade.price if day.low is None else min(day.low, trade.price)

    def _again(self, timeframe: str, build: Build, was_present: bool) -> None:
        if was_present:
            build.rev += 1
            self.closed[timeframe][-1] = figures(build, self.size_scale)
        else:
            self.closed[timeframe].append(figures(build, self.size_scale))
        self._publish(timeframe, build)

    def _late_roll(
        self, timeframe: str, minute: Build, trade: Trade, was_present: bool, open_before: int, clock: int
    ) -> None:
        start, end = self.bounds(timeframe, minute.start)
        is_closed = end <= clock
        roll = self.newest.get(timeframe) if is_closed else self.rolls.get(timeframe)
        roll_present = roll is not None and roll.start == start
        if roll is None or not roll_present:
            roll = joined(None, minute, start, end)
            (self.newest if is_closed else self.rolls)[timeframe] = roll
        else:
            if was_present and roll.open_ts == open_before:
                roll.open, roll.open_ts = minute.open, minute.open_ts
            join(roll, minute)
            if was_present:
                roll.sums.add(trade)
            else:
                roll.sums.merge(minute.sums)
        if is_closed:
            self._again(timeframe, roll, roll_present)

    # --- the day as a bar ----------------------------------------------------------------------------------------

    def day_bar(self) -> Figures | None:
        """The running 1d bar, if it is present."""
        day = self.day
        if not day.bar_open or None in (day.open, day.high, day.low, day.close):
            return None
        return figures(self._day_build(), self.size_scale)

    def _day_build(self) -> Build:
        day = self.day
        return Build(day.start, day.end, "regular", day.open, day.high, day.low, day.close, sums=day.sums)

    def volume_day(self) -> float:
        """VOLUME trades since the day's start."""
        return volume_of(self.day.sums.size, self.size_scale)

    def daily(self, ts: int, bar: tuple[float, float, float, float, float]) -> str | None:
        """A finished day from history; a reason if it does not fit in."""
        at = moment(self.market, ts)
        if at.session == "closed":
            return "no day"
        if self.day.date is not None and at.day is not None and self.day.date <= at.day:
            return "not before the current day"
        closed = self.closed["1d"]
        if closed and closed[-1].start >= at.day_start:
            return "not after the newest day"
        o, h, low, c, v = bar
        closed.append(Figures(at.day_start, at.day_end, o, h, low, c, v, 0.0))
        self.prior_close, self.prior_high, self.prior_low = c, h, low
        return None


def _decimals(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    return max(0, -int(exponent))
