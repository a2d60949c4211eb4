"""The indicators as TA-Lib computes them over whole series."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import talib

from schemas.batch import F64
from tests.unit.engine_indicators.runs import Tape


def _typical(t: Tape) -> F64:
    return (t.high + t.low + t.close) / 3


def _keltner(t: Tape, side: float) -> F64:
    band: F64 = talib.EMA(_typical(t), 20) + side * 2 * talib.ATR(t.high, t.low, t.close, 10)
    return band


def _stoch(t: Tape, n: int, slow: int, average: int) -> tuple[F64, F64]:
    found: tuple[F64, F64] = talib.STOCH(
        t.high, t.low, t.close, fastk_period=n, slowk_period=slow, slowd_period=average
    )
    return found


REFERENCE: dict[str, Callable[[Tape], F64]] = {
    "sma(7, {})": lambda t: talib.SMA(t.close, 7),
    "ema(9, {})": lambda t: talib.EMA(t.close, 9),
    "wma(10, {})": lambda t: talib.WMA(t.close, 10),
    "macd(12, 26, 9, {})": lambda t: talib.MACD(t.close, 12, 26, 9)[0],
    "macd_signal(12, 26, 9, {})": lambda t: talib.MACD(t.close, 12, 26, 9)[1],
    "macd_hist(12, 26, 9, {})": lambda t: talib.MACD(t.close, 12, 26, 9)[2],
    "macd(8, 3, 4, {})": lambda t: talib.MACD(t.close, 8, 3, 4)[0],
    "bb_upper(20, 2, {})": lambda t: talib.BBANDS(t.close, 20, 2.0, 2.0)[0],
    "bb_middle(20, 2, {})": lambda t: talib.BBANDS(t.close, 20, 2.0, 2.0)[1],
    "bb_lower(20, 2, {})": lambda t: talib.BBANDS(t.close, 20, 2.0, 2.0)[2],
    "atr(14, {})": lambda t: talib.ATR(t.high, t.low, t.close, 14),
    "atr(1, {})": lambda t: talib.ATR(t.high, t.low, t.close, 1),
    "atr_pct(14, {})": lambda t: 100 * talib.ATR(t.high, t.low, t.close, 14) / t.close,
    "stoch_k(14, 3, 3, {})": lambda t: _stoch(t, 14, 3, 3)[0],
    "stoch_d(14, 3, 3, {})": lambda t: _stoch(t, 14, 3, 3)[1],
    "stoch_d(5, 1, 2, {})": lambda t: _stoch(t, 5, 1, 2)[1],
    "adx(14, {})": lambda t: talib.ADX(t.high, t.low, t.close, 14),
    "plus_di(14, {})": lambda t: talib.PLUS_DI(t.high, t.low, t.close, 14),
    "minus_di(14, {})": lambda t: talib.MINUS_DI(t.high, t.low, t.close, 14),
    "obv({})": lambda t: talib.OBV(t.close, t.volume),
    "donchian_upper(20, {})": lambda t: talib.MAX(t.high, 20),
    "donchian_lower(20, {})": lambda t: talib.MIN(t.low, 20),
    "keltner_upper(20, 2, 10, {})": lambda t: _keltner(t, 1.0),
    "keltner_lower(20, 2, 10, {})": lambda t: _keltner(t, -1.0),
    "cci(14, {})": lambda t: talib.CCI(t.high, t.low, t.close, 14),
    "cci(20, {})": lambda t: talib.CCI(t.high, t.low, t.close, 20),
    "mfi(14, {})": lambda t: talib.MFI(t.high, t.low, t.close, t.volume, 14),
    "williams_r(14, {})": lambda t: talib.WILLR(t.high, t.low, t.close, 14),
    "volume_ratio(5, {})": lambda t: t.volume / np.append(np.nan, talib.SMA(t.volume, 5)[:-1]),
    "avg_range(6, {})": lambda t: talib.SMA(t.high - t.low, 6),
    "body({})": lambda t: np.abs(t.close - t.open),
    "upper_shadow({})": lambda t: t.high - np.maximum(t.open, t.close),
    "lower_shadow({})": lambda t: np.minimum(t.open, t.close) - t.low,
}


def metrics(timeframe: str) -> list[str]:
    """All of them on a timeframe."""
    return [text.format(timeframe) for text in REFERENCE]


# On a range of zero TA-Lib says 0, a value that would fire rules; here these are null.
NULL_WHERE_NOTHING_MOVES = {"stoch_k", "stoch_d", "williams_r", "cci", "mfi", "adx", "plus_di", "minus_di"}
