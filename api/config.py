"""What the edge needs to know, checked before it opens anything."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field

from infra.clickhouse import ClickHouseConfig


@dataclass(frozen=True)
class EdgeConfig:
    """Addresses, the token that clients must show (None: none), and the limits of one edge process.

    `client_alerts` and `client_bytes` bound what may wait for one WebSocket client before it is closed as too slow.
    `remembered_ids` is how many alert ids are known as told. Times in seconds.
    """

    bootstrap: str
    clickhouse: ClickHouseConfig
    host: str = "127.0.0.1"
    port: int = 8080
    token: str | None = field(default=None, repr=False)
    client_id: str = "edge"
    max_clients: int = 2_000
    client_alerts: int = 2_000
    client_bytes: int = 4 << 20
    send_buffer_bytes: int = 256 << 10
    backlog: int = 1_000
    remembered_ids: int = 100_000
    resume_limit: int = 10_000
    resume_limit_s: float = 10.0
    live_interval_s: float = 0.25
    heartbeat_s: float = 15.0
    auth_limit_s: float = 10.0
    bye_limit_s: float = 3.0

    def __post_init__(self) -> None:
        """Raises ValueError: nothing would keep others out, or nobody could show the token."""
        if self.token is None and not is_loopback(self.host):
            raise ValueError(f"the edge on {self.host!r} needs an API token; without one it listens on loopback only")
        if self.token is not None and not self.token.strip():
            raise ValueError("the API token is empty")
        if self.token is not None and not (self.token.isascii() and self.token.isprintable() and " " not in self.token):
            raise ValueError("the API token may hold visible ASCII characters alone, as it stands in a header")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`; a name other than localhost may point anywhere."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
