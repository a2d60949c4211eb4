"""What is remembered of each symbol: the running minute, the running roll-ups, the day, the newest closed bars,
duplicates."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.calendar import MARKETS, ROUND_THE_CLOCK, US_EQUITY, Calendars, MinuteInfo, SessionClock
from engine.columns import NULL, Columns, column
from engine.history import History
from engine.segments import Index, Mask
from engine.timeframes import ALL, ROLL_UPS
from schemas.batch import F64, I64, U8, U64
from schemas.partitioning import murmur2
from schemas.symbols import SymbolTable
from schemas.tags import MAX_TAGS

NO_MINUTE: Final = -1
NEVER: Final = np.iinfo(np.int64).max
NO_EARNINGS: Final = -1
REMEMBERED_IDS: Final = 32
PROFILE_SLOTS: Final = 192
LIMB: Final = 31
LIMB_MASK: Final = (1 << LIMB) - 1
"""price x size sums are kept in two limbs: high x 2^31 + low."""


class Sums(Columns):
    """Sums over trades in units of the symbol's scales: sizes of all VOLUME trades, and size and price x size of LAST
    + VOLUME trades."""

    volume: I64 = column("i8")
    last_volume: I64 = column("i8")
    notional_high: I64 = column("i8")
    notional_low: I64 = column("i8")
    trades: I64 = column("i8")

    def add(self, symbols: Index, other: Sums, rows: Index) -> None:
        """Add rows of `other` to `symbols` (each at most once)."""
        for name in Sums.declared():
            getattr(self, name)[symbols] += getattr(other, name)[rows]


class BarState(Sums):
    """A bar in the making, or one just closed. `start`, `end` in minutes; open null = the bar is not present.

    `open_ts`, `close_ts` = times of the trades that set open and close; `rev` counts how often it was published again.
    """

    start: I64 = column("i8", NO_MINUTE)
    end: I64 = column("i8", NEVER)
    open: F64 = column("f8", NULL)
    high: F64 = column("f8", NULL)
    low: F64 = column("f8", NULL)
    close: F64 = column("f8", NULL)
    open_ts: I64 = column("i8", NEVER)
    close_ts: I64 = column("i8", -1)
    session: U8 = column("u1")
    rev: I64 = column("i8")


class DayState(Sums):
    """The symbol's day: `number` of the market's day (-1 before the first), its end, prices, and the sums of the whole
    day.

    `open_auction`, `close_auction`: an auction print has set the price. `bar_open`: its 1d bar has not closed yet.
    """

    number: I64 = column("i8", -1)
    end: I64 = column("i8", NEVER)
    start: I64 = column("i8", NO_MINUTE)
    open: F64 = column("f8", NULL)
    high: F64 = column("f8", NULL)
    low: F64 = column("f8", NULL)
    close: F64 = column("f8", NULL)
    open_auction: U8 = column("u1")
    close_auction: U8 = column("u1")
    bar_open: U8 = column("u1")
    prior_close: F64 = column("f8", NULL)
    prior_high: F64 = column("f8", NULL)
    prior_low: F64 = column("f8", NULL)


class ExtendedState(Sums):
    """The newest pre (or post) session that traded: the `day` it belongs to (-1: none), extremes and sums."""

    day: I64 = column("i8", -1)
    high: F64 = column("f8", NULL)
    low: F64 = column("f8", NULL)

    def begin(self, symbols: Index, days: I64) -> None:
        """Those of `symbols` that hold another day's session begin this one."""
        new = self.day[symbols] != days
        if new.any():
            self.reset(symbols[new])
            self.day[symbols[new]] = days[new]


class ValueSums(Sums):
    """price x size of all VOLUME trades of the day; the other sums stay 0."""


class Profile(Columns):
    """Mean volume of the past days up to the end of each slot of a day; `days` counts them."""

    days: I64 = column("i8")
    mean: NDArray[np.float32] = column("f4", 0, PROFILE_SLOTS)


class SessionSums(Sums):
    """Sums since the start of the regular session, in pre since the start of the day. `regular`: that start has been
    passed."""

    regular: U8 = column("u1")


class SymbolState(Columns):
    """Market, scales, clock, price, ids, trading halt and when the newest one began. `row_ts`, `row_ordinal`: time and
    ordinal of the newest row; `trade_ts`: time of the newest trade row; `next_close`: minute of the next bar close.
    """

    market: U8 = column("u1")
    price_scale: I64 = column("i8")
    size_scale: I64 = column("i8")
    last_ts: I64 = column("i8", -1)
    row_ts: I64 = column("i8", -1)
    row_ordinal: I64 = column("i8")
    price: F64 = column("f8", NULL)
    price_ts: I64 = column("i8", -1)
    id_count: I64 = column("i8")
    id_high: U64 = column("u8", 0, REMEMBERED_IDS)
    id_low: U64 = column("u8", 0, REMEMBERED_IDS)
    next_close: I64 = column("i8", NEVER)
    trade_ts: I64 = column("i8", -1)
    halted: U8 = column("u1")
    halted_ts: I64 = column("i8", -1)


class ReferenceState(Columns):
    """What reference records said, under their names; null where they did not. `earnings`: UTC ns. `tags`: a number
    each, the largest first, 0 where there is none."""

    float: F64 = column("f8", NULL)
    shares_outstanding: F64 = column("f8", NULL)
    short_interest_pct: F64 = column("f8", NULL)
    institutional_ownership_pct: F64 = column("f8", NULL)
    short_ratio: F64 = column("f8", NULL)
    earnings: I64 = column("i8", NO_EARNINGS)
    tags: U64 = column("u8", 0, MAX_TAGS)


class Origin(Columns):
    """Not state of the market, but of its keeping. `skip_through`: offset up to which the symbol's records are known
    from a checkpoint;
    `changed`: since its piece was last exported; `moved`: since its live price was last given; `due`: its live figures
    are to be given.
    """

    shard: I64 = column("i8")
    skip_through: I64 = column("i8", -1)
    changed: Mask = column("?")
    moved: Mask = column("?")
    due: Mask = column("?")


class PartitionState:
    """All state of a partition but that of indicators and rules."""

    def __init__(self, symbols: SymbolTable, shards: int, calendars: Calendars, capacity: int = 256) -> None:
        """State for the symbols in `symbols`, and room for more."""
        self.symbols = symbols
        self.clock = SessionClock(calendars)
        self.shards = shards
        self.capacity = capacity
        self.known = 0
        self.symbol = SymbolState(capacity)
        self.minute = BarState(capacity)
        self.day = DayState(capacity)
        self.session = SessionSums(capacity)
        self.pre = ExtendedState(capacity)
        self.post = ExtendedState(capacity)
        self.value = ValueSums(capacity)
        self.profile = Profile(capacity)
        self.reference = ReferenceState(capacity)
        self.roll_ups = {timeframe.name: BarState(capacity) for timeframe in ROLL_UPS}
        self.closed = {name: BarState(capacity) for name in ("1m", *self.roll_ups)}
        self.history = {timeframe.name: History(timeframe, capacity) for timeframe in ALL}
        self.origin = Origin(capacity)
        self.history["1m"].derived |= {
            "regular_start": lambda symbols, minutes: self._info(symbols, minutes).regular_start,
            "regular_end": lambda symbols, minutes: self._info(symbols, minutes).regular_end,
        }

    def _info(self, symbols: Index, minutes: I64) -> MinuteInfo:
        return self.clock.info(minutes.astype(np.int64), self.symbol.market[symbols])

    def groups(self) -> dict[str, Columns]:
        """Every group of columns under its name in checkpoints."""
        groups: dict[str, Columns] = {
            "symbol": self.symbol,
            "minute": self.minute,
            "day": self.day,
            "session": self.session,
            "pre": self.pre,
            "post": self.post,
            "value": self.value,
            "profile": self.profile,
            "reference": self.reference,
        }
        groups |= {f"running_{name}": bars for name, bars in self.roll_ups.items()}
        groups |= {f"closed_{name}": bars for name, bars in self.closed.items()}
        return groups

    def all_sums(self) -> list[Sums]:
        """Every group that holds sums in units of the symbol's scales."""
        return [group for group in self.groups().values() if isinstance(group, Sums)]

    def touch(self, members: Index) -> None:
        """Note that `members` have changed."""
        self.origin.changed[members] = True
        self.origin.moved[members] = True

    def admit(self) -> bool:
        """Make room for symbols registered since the last call; True if the capacity grew."""
        names = self.symbols.names
        grew = len(names) > self.capacity
        if grew:
            self._grow(max(len(names), 2 * self.capacity))
        for number in range(self.known, len(names)):
            self.symbol.market[number] = MARKETS.index(market_of(names[number]))
            self.origin.shard[number] = shard_of(names[number], self.shards)
        self.known = len(names)
        return grew

    def _grow(self, capacity: int) -> None:
        for group in self.groups().values():
            group.grow(capacity)
        for history in self.history.values():
            history.grow(capacity)
        self.origin.grow(capacity)
        self.capacity = capacity


def shard_of(symbol: str, shards: int) -> int:
    """The shard of a symbol: the high half of its hash, as the low bits name its partition."""
    return (murmur2(symbol.encode()) >> 16) % shards


def market_of(symbol: str) -> str:
    """BASE-QUOTE and BASE/QUOTE names with a quote of 3 to 5 capitals trade around the clock, others are US
    equities."""
    for separator in [one for one in "-/" if one in symbol]:
        base, found, quote = symbol.partition(separator)
        if found and base and 3 <= len(quote) <= 5 and quote.isalpha() and quote.isupper() and quote.isascii():
            return ROUND_THE_CLOCK
    return US_EQUITY


def vwap(sums: Sums, rows: Index, price_scale: I64) -> F64:
    """Volume-weighted price of `rows` of `sums`; null without trades that set one. Each conversion and division is
    correctly rounded."""
    return vwap_of(sums.notional_high[rows], sums.notional_low[rows], sums.last_volume[rows], price_scale)


def vwap_of(high: I64, low: I64, volume: I64, price_scale: I64) -> F64:
    """See `vwap`; high x 2^31 is exact and the one addition rounds once."""
    notional = high.astype(np.float64) * float(1 << LIMB) + low
    return np.where(volume > 0, notional / volume / POWERS[price_scale], NULL)


POWERS: Final = np.array([10.0**k for k in range(19)])
POWERS_INT: Final = np.array([10**k for k in range(19)], np.int64)
