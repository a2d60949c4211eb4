"""Rules in the log: bodies and sets under their hashes, and the control record that puts a set into force."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from infra.kafka.reader import Range, Reader
from infra.kafka.topic_admin import partition_count
from infra.kafka_clients import make_producer
from schemas.control import encode_rule_set_switch
from schemas.rule import (
    RuleBody,
    RuleEntry,
    RuleSetPart,
    decode_rule_body,
    encode_rule_body,
    rule_hash,
    rule_set_hash,
    rule_set_key,
    rule_set_parts,
)
from schemas.topics import RULE_SETS, RULES, TICKS

logger = logging.getLogger(__name__)

CLIENT_ID: Final = "tapewatch-rules"
APPLY_LIMIT_S: Final = 60.0
LOAD_LIMIT_S: Final = 30.0
LOOK_AGAIN_S: Final = 0.2


class RuleSetMissingError(LookupError):
    """A rule set, or a body of it, does not stand in the log."""


class RuleLog:
    """Reads and writes rule sets. Sets and bodies that were read are kept: they never change."""

    def __init__(self, bootstrap: str) -> None:
        """Connects for each operation."""
        self._bootstrap = bootstrap
        self._read_to: dict[str, int] = {}
        self._parts: dict[str, dict[int, RuleSetPart]] = {}
        self._bodies: dict[str, RuleBody] = {}
        self._reading = asyncio.Lock()

    async def apply(
        self, entries: Sequence[RuleEntry], bodies: Mapping[str, RuleBody], seq: int | None = None
    ) -> tuple[str, int]:
        """Write the bodies and the set, wait until the broker has them, then put the set into force in every partition.

        `seq`: above that of the set in force, or it is ignored; None: milliseconds of this machine's clock, so that the
        last to apply wins. Returns hash and seq. Raises TopicError, aiokafka's errors, TimeoutError.
        """
        name = rule_set_hash(list(entries))
        number = time.time_ns() // 1_000_000 if seq is None else seq
        async with asyncio.timeout(APPLY_LIMIT_S):
            partitions = await partition_count(self._bootstrap, TICKS.name)
            producer = make_producer(self._bootstrap, CLIENT_ID)
            await producer.start()
            try:
                await _send_all(producer, RULES.name, [(h.encode(), encode_rule_body(b)) for h, b in bodies.items()])
                parts = rule_set_parts(list(entries))
                keyed = [(rule_set_key(name, part.part), msgspec.json.encode(part)) for part in parts]
                await _send_all(producer, RULE_SETS.name, keyed)
                switch = encode_rule_set_switch(name, number)
                sent = [await producer.send(TICKS.name, switch, partition=p) for p in range(partitions)]
                await asyncio.gather(*sent)
            finally:
                await producer.stop()
        return name, number

    async def load(self, set_hash: str, limit_s: float = LOAD_LIMIT_S) -> tuple[list[RuleEntry], dict[str, RuleBody]]:
        """The entries and bodies of a set, waiting for what is not there yet. Raises RuleSetMissingError after
        `limit_s`."""
        clock = asyncio.get_running_loop().time
        until = clock() + limit_s
        while True:
            missing = self._missing(set_hash)
            if missing is None:
                entries = [entry for part in self._parts[set_hash].values() for entry in part.entries]
                if rule_set_hash(entries) != set_hash:
                    raise RuleSetMissingError(f"what stands in the log under the hash {set_hash} is another rule set")
                return entries, {entry.hash: self._bodies[entry.hash] for entry in entries}
            if clock() > until:
                raise RuleSetMissingError(f"{missing} does not stand in the log after {limit_s:g} s")
            await self.read_new()
            if self._missing(set_hash) is not None:
                await asyncio.sleep(LOOK_AGAIN_S)

    def _missing(self, set_hash: str) -> str | None:
        """What is missing of a set."""
        parts = self._parts.get(set_hash)
        if not parts or len(parts) < next(iter(parts.values())).parts:
            return f"rule set {set_hash}"
        hashes = (entry.hash for part in parts.values() for entry in part.entries)
        lacking = next((h for h in hashes if h not in self._bodies), None)
        return None if lacking is None else f"rule body {lacking} of set {set_hash}"

    async def read_new(self) -> None:
        """Read what was written since; `load` does so by itself."""
        async with self._reading:
            await self._read_new()

    async def _read_new(self) -> None:
        for topic, take in ((RULE_SETS.name, self._take_part), (RULES.name, self._take_body)):
            async with Reader(self._bootstrap, topic, CLIENT_ID) as reader:
                for whole in await reader.ranges():
                    begin = max(self._read_to.get(topic, 0), whole.begin)
                    async for records in reader.read(Range(whole.partition, begin, whole.end, whole.log_begin)):
                        for record in records:
                            take(record.key, record.value)
                    self._read_to[topic] = whole.end

    def _take_part(self, key: bytes | None, value: bytes | None) -> None:
        try:
            part = msgspec.json.decode(value or b"", type=RuleSetPart)
            self._parts.setdefault((key or b"").decode().partition("/")[0], {})[part.part] = part
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            logger.warning("%s: the record under %r is no part of a set: %s", RULE_SETS.name, key, error)

    def _take_body(self, key: bytes | None, value: bytes | None) -> None:
        try:
            body = decode_rule_body(value or b"")
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            logger.warning("%s: the record under %r is no rule: %s", RULES.name, key, error)
            return
        # A body is known by what it says, whatever key somebody wrote it under.
        self._bodies[rule_hash(body)] = body


async def _send_all(producer: Any, topic: str, records: Sequence[tuple[bytes, bytes]]) -> None:
    sent = [await producer.send(topic, value, key=key, partition=0) for key, value in records]
    await asyncio.gather(*sent)
