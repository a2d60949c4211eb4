"""Every setting, declared once: environment variables TAPEWATCH_*, checked at the start, listed by `tapewatch
config`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

PREFIX: Final = "TAPEWATCH_"
SECRETS: Final = frozenset({"api_token", "clickhouse_password"})
OF_TESTS: Final = frozenset({"TAPEWATCH_REAL_DATA", "TAPEWATCH_TEST_SEED"})
"""Variables with our prefix that are not the program's."""

_PROBLEM: Final = re.compile(r"(.*) - at `\$\.(\w+)`")

_BROKERS: Final = r"^[^\s:,]+(:[0-9]{1,5})?(,[^\s:,]+(:[0-9]{1,5})?)*$"
_LARGEST: Final = 1e9
"""Of any number of seconds or times: what can be told in nanoseconds."""

Port = Annotated[int, Meta(ge=0, le=65_535)]
Positive = Annotated[float, Meta(gt=0, le=_LARGEST)]


class SettingsError(ValueError):
    """A setting that does not exist or has a value that it cannot have."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One field a setting; its variable is the prefix and the name in capitals."""

    bootstrap: Annotated[str, Meta(pattern=_BROKERS, description="Kafka brokers, host:port by comma")] = (
        "127.0.0.1:9092"
    )
    partitions: Annotated[int, Meta(ge=1, le=1024, description="of the tick topic, when topics are created")] = 4
    replicas: Annotated[int, Meta(ge=1, le=16, description="of each topic, the changelog too, when it is made")] = 1
    data_dir: Annotated[str, Meta(min_length=1, description="where a role keeps its files")] = (
        "~/.local/share/tapewatch"
    )
    cache_dir: Annotated[str, Meta(min_length=1, description="where downloads are kept")] = "~/.cache/tapewatch"
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], Meta(description="the least that is logged")] = (
        "INFO"
    )
    ops_host: Annotated[str, Meta(description="where /health, /ready, /metrics and /stats are served")] = "127.0.0.1"
    ops_port: Annotated[Port, Meta(description="their port; 0: any that is free")] = 0
    instance_id: Annotated[
        str, Meta(description="name of this process in its group over restarts; empty: it has none")
    ] = ""
    restarts: Annotated[
        int, Meta(ge=0, description="how often a supervisor has just started this role again; it sets this itself")
    ] = 0
    session_timeout_s: Annotated[Positive, Meta(description="after which a silent worker has lost its partitions")] = (
        10.0
    )
    request_timeout_s: Annotated[
        Positive, Meta(description="how long the broker may be away before a role gives up")
    ] = 60.0

    provider: Annotated[str, Meta(description="ingest: sim or file")] = "sim"
    provider_options: Annotated[str, Meta(description="ingest: the provider's options as a JSON object")] = "{}"
    ingest_form: Annotated[Literal["json", "frame"], Meta(description="ingest: a record a tick, or frames")] = "json"
    ingest_speed: Annotated[
        float, Meta(ge=0, le=_LARGEST, description="ingest: times the pace of the ticks; 0: as fast as it goes")
    ] = 1.0
    ingest_symbols: Annotated[str, Meta(description="ingest: symbols by comma; empty: all there are")] = ""
    ingest_for_s: Annotated[
        float, Meta(ge=0, le=_LARGEST, description="ingest: end so long after the paced part began; 0: never")
    ] = 0.0

    scan_app_id: Annotated[
        str, Meta(pattern=r"^[A-Za-z0-9._-]{1,100}$", description="scan: group of workers, and of their state")
    ] = "scan"
    scan_checkpoint_s: Annotated[Positive, Meta(description="scan: between checkpoints")] = 1.5
    scan_live_s: Annotated[Positive, Meta(description="scan: between running prices for screens")] = 0.3
    scan_standby_replicas: Annotated[
        int, Meta(ge=0, le=16, description="scan: other workers that keep a partition's state warm; same for a group")
    ] = 0
    scan_shards: Annotated[
        int, Meta(ge=1, le=4096, description="scan: pieces that a partition's state is kept in; fixed for a group")
    ] = 8
    scan_future_bound_s: Annotated[
        Positive, Meta(description="scan: a tick or heartbeat this far ahead of its append time is a dead letter")
    ] = 60.0
    scan_amend_window_s: Annotated[
        float, Meta(ge=0, lt=60, description="scan: how long a late tick still amends its bar")
    ] = 30.0

    scan_heartbeat_s: Annotated[
        float, Meta(ge=0, le=60, description="scan: between heartbeats that a worker writes; 0: others write them")
    ] = 0.0
    scan_heartbeat_delay_s: Annotated[
        float, Meta(ge=0, le=3600, description="scan: how far these are behind the clock, as ticks may be")
    ] = 1.0
    scan_dead_letter_share: Annotated[
        float, Meta(gt=0, le=1, description="scan: a worker ends if more of its ticks are dead letters; 1: never")
    ] = 0.5
    scan_dead_letter_window: Annotated[
        int, Meta(ge=1, le=10**9, description="scan: its newest ticks, of which that share is taken")
    ] = 10_000
    scan_restore_limit_s: Annotated[
        float, Meta(gt=0, le=86_400, description="scan: a worker ends if its restore stands still for so long")
    ] = 180.0
    scan_metrics_of: Annotated[
        Literal["rules", "named", "none"],
        Meta(description="scan: figures published at the closes of bars: of rules and those named, only these, none"),
    ] = "rules"
    scan_metrics: Annotated[
        str, Meta(max_length=4_000, description="scan: numbers of the rule language published besides, by comma")
    ] = ""
    scan_live_values: Annotated[
        int, Meta(ge=0, le=20_000, description="scan: running figures told at a time, of each partition; 0: none")
    ] = 6_000

    sink_app_id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,100}$", description="sink: its group")] = "sink"
    clickhouse_host: Annotated[str, Meta(min_length=1, description="sink, edge: ClickHouse")] = "127.0.0.1"
    clickhouse_port: Annotated[Port, Meta(description="sink, edge: its HTTP port")] = 8123
    clickhouse_database: Annotated[str, Meta(description="sink, edge: its database")] = "tapewatch"
    clickhouse_username: Annotated[str, Meta(description="sink, edge: empty: the server's default user")] = ""
    clickhouse_password: Annotated[str, Meta(description="sink, edge")] = ""

    edge_host: Annotated[str, Meta(description="edge: where REST, WebSocket and page are served")] = "127.0.0.1"
    edge_port: Annotated[Port, Meta(description="edge: their port; 0: any that is free")] = 8080
    api_token: Annotated[str, Meta(description="edge: what clients must show; needed beyond loopback")] = ""

    @property
    def data(self) -> Path:
        """The data folder."""
        return Path(self.data_dir).expanduser()

    @property
    def cache(self) -> Path:
        """The cache folder."""
        return Path(self.cache_dir).expanduser()


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()


def load_settings(environment: Mapping[str, str]) -> Settings:
    """The settings of an environment. SettingsError names the variable, its value, and what is allowed."""
    names = {variable(name): name for name in Settings.__struct_fields__}
    given: dict[str, Any] = {}
    for found, value in environment.items():
        if not found.startswith(PREFIX) or found in OF_TESTS:
            continue
        if found not in names:
            close = difflib.get_close_matches(found, names, n=1)
            raise SettingsError(f"{found}: there is no such setting{f'; did you mean {close[0]}?' if close else ''}")
        given[names[found]] = value
    try:
        return msgspec.convert(given, Settings, strict=False)
    except msgspec.ValidationError as error:
        problem = _PROBLEM.fullmatch(str(error))
        if problem is None:
            raise SettingsError(str(error)) from None
        reason, name = problem.groups()
        shown = "***" if name in SECRETS else repr(given[name])
        raise SettingsError(f"{variable(name)}={shown}: {reason[:1].lower()}{reason[1:]}{_wanted(name)}") from None


def _wanted(name: str) -> str:
    """What a setting is, where the reason would be no help: a choice, or a text that has to look in some way."""
    kind, *metas = get_args(get_type_hints(Settings, include_extras=True)[name])
    if get_origin(kind) is Literal:
        return f"; one of {', '.join(get_args(kind))}"
    return "".join(f"; it is: {meta.description}" for meta in metas if meta.pattern)


def environment_of(**settings: object) -> dict[str, str]:
    """Variables for a child process."""
    unknown = settings.keys() - set(Settings.__struct_fields__)
    if unknown:
        raise SettingsError(f"there are no settings {', '.join(sorted(unknown))}")
    return {variable(name): str(value) for name, value in settings.items()}


def listed(settings: Settings) -> list[tuple[str, str, str, str]]:
    """Variable, value, default and description of every setting; secrets are masked."""
    rows = []
    hints = get_type_hints(Settings, include_extras=True)
    for field in msgspec.structs.fields(Settings):
        value, default = getattr(settings, field.name), field.default
        shown = "***" if field.name in SECRETS and value else str(value)
        metas = [m for m in get_args(hints[field.name])[1:] if isinstance(m, Meta)]
        description = next((m.description for m in reversed(metas) if m.description), "")
        rows.append((variable(field.name), shown, str(default), description or ""))
    return rows
