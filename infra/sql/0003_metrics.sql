-- One row a figure and close; a close told again has the same key and the same value. The name is a normal form and
-- fixes the timeframe. Read by symbol and name over time: what a chart asks for.
CREATE TABLE IF NOT EXISTS metrics (
    symbol LowCardinality(String),
    name LowCardinality(String),
    timeframe LowCardinality(String),
    start DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD),
    value Float64 CODEC(ZSTD)
)
ENGINE = ReplacingMergeTree
PARTITION BY toYear(start)
ORDER BY (symbol, name, start)
