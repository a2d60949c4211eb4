"""Several parts together against real Kafka, real ClickHouse and recorded markets."""
