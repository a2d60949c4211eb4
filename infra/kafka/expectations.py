"""What this program relies on in Faust without Faust promising it: checked at every start, so that an upgrade fails at
once and by name instead of losing records."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any, Final

from aiokafka import AIOKafkaConsumer
from aiokafka.consumer.fetcher import FetchResult, PartitionRecords
from aiokafka.consumer.subscription_state import Assignment, Subscription, SubscriptionState, TopicPartitionState
from faust import App
from faust.assignor.partition_assignor import PartitionAssignor
from faust.tables.base import Collection
from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery
from faust.transport.drivers import aiokafka as driver

VERSIONS: Final = {"faust-streaming": "0.15.3", "mode-streaming": "0.7.1", "aiokafka": "0.14.0", "rocksdict": "0.3.29"}
"""The releases in which the names below were read."""

EXTENSIONS: Final = ("faust._cython.streams", "faust.transport._cython.conductor")
"""Without its compiled streams Faust acknowledges messages of a generation that is over."""

NAMES: Final[Mapping[Any, Sequence[str]]] = {
    driver.Consumer: (
        "_acked",
        "_acked_index",
        "_commit",
        "_committed_offset",
        "_drain_messages",
        "_filter_tps_with_pending_acks",
        "_get_active_partitions",
        "_getmany",
        "_is_changelog_tp",
        "_new_consumer_thread",
        "_read_offset",
        "_to_message",
        "_unacked_messages",
        "can_resume_flow",
        "consumer_stopped_errors",
        "earliest_offsets",
        "flow_active",
        "highwater",
        "highwaters",
        "on_buffer_full",
        "on_partitions_revoked",
        "perform_seek",
        "seek_wait",
        "suspend_flow",
        "wait_empty",
    ),
    driver.AIOKafkaConsumerThread: ("_create_worker_consumer", "_ensure_consumer", "call_thread"),
    driver.Producer: ("_ensure_producer", "_settings_extra"),
    driver.Transport: ("Consumer", "Producer"),
    TableManager: ("_update_channels", "on_rebalance", "on_start", "recovery"),
    Recovery: ("active_highwaters", "active_remaining", "active_remaining_total", "active_tps", "buffer_sizes"),
    PartitionAssignor: ("assigned_actives",),
    Collection: ("changelog_topic", "persisted_offset", "send_changelog"),
    App: (
        "assignor",
        "consumer",
        "consumer_generation_id",
        "crash_reason",
        "producer",
        "rebalancing",
        "tables",
        "transport",
    ),
    PartitionRecords: (
        "_check_crcs",
        "_isolation_level",
        "_records",
        "_records_iterator",
        "_tp",
        "_unpack_records",
        "next_fetch_offset",
    ),
    FetchResult: ("_update_position", "check_assignment", "getall", "has_more"),
    AIOKafkaConsumer: ("_fetch_max_wait_ms", "_subscription", "seek_to_committed"),
    SubscriptionState: ("subscription",),
    Subscription: ("assignment",),
    Assignment: ("state_value", "tps"),
    TopicPartitionState: ("has_valid_position", "position"),
}


class ExpectationError(RuntimeError):
    """The installed packages are not what this program was built against; the text says in what."""


def check_expectations(
    names: Mapping[Any, Sequence[str]] = NAMES,
    versions: Mapping[str, str] = VERSIONS,
    extensions: Sequence[str] = EXTENSIONS,
) -> None:
    """Raise ExpectationError for a wrong version, a name that is gone, or a missing compiled part."""
    found = [
        f"{package} is {version(package)}, not {wanted}"
        for package, wanted in versions.items()
        if version(package) != wanted
    ]
    for owner, wanted_names in names.items():
        known = _names(owner)
        found += [f"{owner.__qualname__} has no {name}" for name in wanted_names if name not in known]
    found += [f"{module} is not compiled" for module in extensions if not _is_compiled(module)]
    if found:
        raise ExpectationError("; ".join(found))


def _names(owner: type) -> set[str]:
    """Attributes of a class and those its instances are given when they are made."""
    known = set(dir(owner))
    for base in owner.__mro__:
        known.update(getattr(base, "__annotations__", {}))
        code = getattr(base.__dict__.get("__init__"), "__code__", None)
        known.update(code.co_names if code else ())
    return known


def _is_compiled(module: str) -> bool:
    try:
        return not str(importlib.import_module(module).__file__).endswith(".py")
    except ImportError:
        return False
