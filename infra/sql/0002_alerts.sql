-- One row an id: the id is a hash over the event time too, so (ts, id) collapses the same rows as id alone, and keeps
-- them in the order in which they are read. body holds the alert's canonical bytes as they came.
CREATE TABLE IF NOT EXISTS alerts (
    id String CODEC(ZSTD),
    ts DateTime64(9, 'UTC') CODEC(DoubleDelta, ZSTD),
    ordinal UInt32 CODEC(T64, ZSTD),
    symbol LowCardinality(String),
    rule_id LowCardinality(String),
    rule_hash LowCardinality(String),
    trigger LowCardinality(String),
    price Nullable(Float64) CODEC(ZSTD),
    session LowCardinality(String),
    body String CODEC(ZSTD),
    source_topic LowCardinality(String),
    source_partition Int32 CODEC(T64, ZSTD),
    source_offset Int64 CODEC(ZSTD),
    source_index Int32 CODEC(T64, ZSTD),
    ts_recv Int64 CODEC(ZSTD),
    append_ts Int64 CODEC(ZSTD),
    run_id LowCardinality(String),
    rule_name LowCardinality(String),
    rule_version UInt32 CODEC(T64, ZSTD),
    INDEX of_symbol symbol TYPE bloom_filter GRANULARITY 4,
    INDEX of_rule rule_id TYPE bloom_filter GRANULARITY 4
)
ENGINE = ReplacingMergeTree
PARTITION BY toYear(ts)
ORDER BY (ts, id)
