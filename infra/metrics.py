"""Every Prometheus metric of the program, declared once; each role increments what it has and exposes all of it."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
BYTES: Final = (1e3, 1e4, 5e4, 1e5, 2.5e5, 5e5, 1e6, 5e6, 2.5e7, 1e8)

# ingest
PUBLISHED: Final = Counter("tapewatch_published_ticks_total", "Trades sent to the tick topic", ["source"])
REFUSED: Final = Counter("tapewatch_refused_ticks_total", "Input of a provider that was no valid tick", ["source"])
PUBLISH_RETRIES: Final = Counter("tapewatch_publish_retries_total", "Batches that had to be sent again")

# scan
TICKS: Final = Counter("tapewatch_ticks_total", "Trades taken in", ["partition"])
ROWS: Final = Counter("tapewatch_rows_total", "Rows on which every rule was evaluated", ["partition"])
BARS: Final = Counter("tapewatch_bars_total", "Bars published, revisions too", ["partition"])
METRICS: Final = Counter("tapewatch_metric_records_total", "Closes of bars whose figures were published", ["partition"])
ALERTS: Final = Counter("tapewatch_alerts_total", "Alerts published", ["partition"])
DUPLICATES: Final = Counter(
    "tapewatch_duplicate_ticks_total", "Trades dropped because their id was known", ["partition"]
)
LATE: Final = Counter("tapewatch_late_ticks_total", "Trades too late to amend their bar", ["partition"])
AMENDED: Final = Counter("tapewatch_amending_ticks_total", "Late trades that amended their bar", ["partition"])
DEAD_LETTERS: Final = Counter("tapewatch_dead_letters_total", "Records or trades set aside", ["topic"])
LAG: Final = Gauge("tapewatch_lag_records", "Records in the log that were not read yet", ["topic", "partition"])
WATERMARK: Final = Gauge(
    "tapewatch_watermark_seconds", "Event time a partition has reached, seconds since 1970", ["partition"]
)
STAGE: Final = Histogram("tapewatch_stage_seconds", "Time of one chunk in one stage", ["stage"], buckets=SECONDS)
CHECKPOINT: Final = Histogram(
    "tapewatch_checkpoint_seconds", "From the first blob of a checkpoint to the commit", buckets=SECONDS
)
CHECKPOINT_BYTES: Final = Histogram("tapewatch_checkpoint_bytes", "Bytes of blobs of a checkpoint", buckets=BYTES)
RESTORE: Final = Gauge("tapewatch_restore_seconds", "Time the last restore took", ["partition"])

# sink, edge
INSERTED: Final = Counter("tapewatch_inserted_rows_total", "Rows that ClickHouse acknowledged", ["table"])
INSERT: Final = Histogram("tapewatch_insert_seconds", "Time of one insert into ClickHouse", ["table"], buckets=SECONDS)
CLIENTS: Final = Gauge("tapewatch_websocket_clients", "Connected WebSocket clients")
PUSHED: Final = Counter("tapewatch_websocket_messages_total", "Messages put on WebSockets", ["kind"])
CLOSED_SLOW: Final = Counter("tapewatch_websocket_slow_clients_total", "Clients closed because they read too slowly")
DELIVERY: Final = Histogram(
    "tapewatch_alert_delivery_seconds", "From the tick's append time to the edge", buckets=SECONDS
)

# all roles
RESTARTS: Final = Gauge("tapewatch_restarts", "How often a supervisor has just started this role again")
QUEUE: Final = Gauge("tapewatch_queue_depth", "What waits in a bounded queue", ["queue"])
LOOP_DELAY: Final = Histogram(
    "tapewatch_event_loop_delay_seconds", "How late a timer of the event loop fires", buckets=SECONDS
)
