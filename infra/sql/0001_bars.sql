-- A bar told again, or amended, has the same key; the highest rev stays. The year follows from the key, so that
-- equal keys always meet in one partition.
CREATE TABLE IF NOT EXISTS bars (
    symbol LowCardinality(String),
    timeframe LowCardinality(String),
    start DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD),
    open Float64 CODEC(ZSTD),
    high Float64 CODEC(ZSTD),
    low Float64 CODEC(ZSTD),
    close Float64 CODEC(ZSTD),
    volume Float64 CODEC(ZSTD),
    vwap Nullable(Float64) CODEC(ZSTD),
    trades UInt64 CODEC(T64, ZSTD),
    session LowCardinality(String),
    rev UInt32 CODEC(T64, ZSTD)
)
ENGINE = ReplacingMergeTree(rev)
PARTITION BY toYear(start)
ORDER BY (symbol, timeframe, start)
