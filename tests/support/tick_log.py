"""A small market in the tick log, and what an engine without Kafka makes of that log: the answer a worker must give."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np
from aiokafka import AIOKafkaProducer

from engine.partition import Partition
from engine.rules.body import rule_set
from engine.rules.plan import Asked, Plan, compile_rule_set
from infra.calendars import load_calendars
from infra.kafka.reader import Reader, chunk_of
from infra.kafka.rules import RuleLog
from schemas.alert import encode_body
from schemas.bar import Bar
from schemas.control import encode_heartbeat
from schemas.decode import decode_chunk
from schemas.frame import FrameColumns, encode_frame
from schemas.metrics import MetricValues, encode_metrics
from schemas.partitioning import partition_of
from schemas.rule import RuleBody, RuleEntry
from schemas.rule_file import load_rules
from schemas.tick import REGULAR_TRADE
from schemas.topics import TICKS

SECOND_NS = 1_000_000_000
START_NS = 1_767_600_000 * SECOND_NS  # a whole minute
PARTITIONS = 4
Values = dict[int, list[bytes]]
POISON = (b"", b"{", b'{"symbol":"C0-USD"}', b"\xf7 no frame", b'{"symbol":"C0-USD","ts":1,"price":1,"size":1}')
RULES: list[dict[str, object]] = [
    {
        "id": "move",
        "name": "Move",
        "conditions": [
            {"metric": "price_change_1m_pct", "operator": ">", "value": 0.2},
            {"metric": "volume_1m", "operator": ">", "value": 5},
        ],
        "cooldown": 20,
    },
    {"id": "cheap", "conditions": [{"metric": "sma_5", "operator": "<", "value": 99.5}], "cooldown": 60},
    {"id": "ema", "conditions": [{"metric": "ema_5", "operator": ">", "value": 100.5}], "cooldown": 45},
]
MORE_RULES = [*RULES, {"id": "large", "conditions": [{"metric": "price", "operator": ">", "value": 1}], "cooldown": 30}]


class Market:
    """Crypto pairs that walk at random, second by second; the same seed gives the same records."""

    def __init__(self, symbols: int = 40, seed: int = 1, rate: float = 0.5) -> None:
        """`rate`: the chance that a symbol trades in a second."""
        self._random = random.Random(seed)
        self._prices = {f"C{number}-USD": 100.0 for number in range(symbols)}
        self._rate = rate
        self._second = 0
        self._trades = 0

    def seconds(self, count: int, poison: bool = False) -> Values:
        """The records of the next seconds by partition, each second ended by a heartbeat; JSON and frames mixed."""
        values: Values = {number: [] for number in range(PARTITIONS)}
        for _ in range(count):
            start = START_NS + self._second * SECOND_NS
            for partition, ticks in self._second_of(start).items():
                values[partition] += _framed(ticks) if self._random.random() < 0.4 else map(msgspec.json.encode, ticks)
            if poison and self._random.random() < 0.2:
                values[self._random.randrange(PARTITIONS)].append(self._random.choice(POISON))
            self._second += 1
            for records in values.values():
                records.append(encode_heartbeat("test", start + SECOND_NS))
        return values

    def _second_of(self, start: int) -> Mapping[int, list[dict[str, object]]]:
        ticks: defaultdict[int, list[dict[str, object]]] = defaultdict(list)
        for symbol, before in self._prices.items():
            if self._random.random() > self._rate:
                continue
            self._prices[symbol] = price = round(before * (1 + self._random.gauss(0, 0.001)), 2)
            self._trades += 1
            tick: dict[str, object] = {
                "symbol": symbol,
                "ts": start + self._random.randrange(SECOND_NS),
                "price": price,
                "size": self._random.randint(1, 9),
            }
            if self._random.random() < 0.3:
                tick |= {"id": str(self._trades), "exchange": "X"}
            copies = 2 if self._random.random() < 0.02 else 1
            ticks[partition_of(symbol, PARTITIONS)] += [tick] * copies
        return ticks


def _framed(ticks: Sequence[Mapping[str, object]]) -> list[bytes]:
    """The ticks as one frame; frames of this kind carry no ids."""
    names = sorted({str(tick["symbol"]) for tick in ticks})
    count = len(ticks)
    nothing = np.zeros(count, np.uint64)
    columns = FrameColumns(
        symbol=np.array([names.index(str(tick["symbol"])) for tick in ticks], np.uint16),
        ts=np.array([tick["ts"] for tick in ticks], np.int64),
        price=np.array([tick["price"] for tick in ticks], np.float64),
        size=np.array([tick["size"] for tick in ticks], np.float64),
        flags=np.full(count, REGULAR_TRADE, np.uint8),
        ts_recv=np.zeros(count, np.int64),
        id_high=nothing,
        id_low=nothing,
    )
    return [encode_frame(names, columns)]


def rules_of(rules: Sequence[Mapping[str, object]]) -> tuple[list[RuleEntry], dict[str, RuleBody]]:
    """A rule set from its text form."""
    return rule_set(load_rules(msgspec.json.encode(rules)))


async def apply_rules(bootstrap: str, rules: Sequence[Mapping[str, object]], seq: int | None = None) -> str:
    """Put a set into force; its hash."""
    return (await RuleLog(bootstrap).apply(*rules_of(rules), seq))[0]


async def write(bootstrap: str, values: Mapping[int, Iterable[bytes]], topic: str = TICKS.name) -> None:
    """Append records to their partitions and wait until they are there."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=5)
    try:
        await producer.start()
        sent = [await producer.send(topic, v, partition=number) for number, vs in values.items() for v in vs]
        await asyncio.gather(*sent)
    finally:
        await producer.stop()


@dataclass
class Answer:
    """What follows from a log: alert bodies by id, newest revision of each bar, figures by close and first name, dead
    letters by place."""

    alerts: dict[str, bytes] = field(default_factory=dict)
    bars: dict[tuple[str, str, int], Bar] = field(default_factory=dict)
    metrics: dict[tuple[str, str, int, str], bytes] = field(default_factory=dict)
    dead: set[tuple[int, int, int]] = field(default_factory=set)

    def take_metrics(self, records: Iterable[MetricValues]) -> None:
        """What comes twice has to be the same."""
        for record in records:
            value = encode_metrics(record)
            assert (
                self.metrics.setdefault((record.symbol, record.timeframe, record.start, record.names[0]), value)
                == value
            )

    def take_bars(self, bars: Iterable[Bar]) -> None:
        """Keep the highest revision."""
        for bar in bars:
            key = (bar.symbol, bar.timeframe, bar.start)
            if key not in self.bars or self.bars[key].rev <= bar.rev:
                self.bars[key] = bar


async def offline_answer(bootstrap: str, at_a_time: int = 5_000) -> Answer:
    """Run the engine over the whole tick topic as it stands now."""
    answer, rules, plans = Answer(), RuleLog(bootstrap), dict[str, Plan]()
    async with Reader(bootstrap, TICKS.name) as reader:
        for whole in await reader.ranges():
            partition = Partition(whole.partition, PARTITIONS, load_calendars())
            async for records in reader.read(whole, at_a_time):
                batch = decode_chunk(chunk_of(records), partition.symbols)
                for name in partition.switches(batch):
                    plans[name] = compile_rule_set(name, *await rules.load(name), Asked(of_rules=True))
                result = partition.step(batch, plans)
                answer.alerts |= {fired.body.id: encode_body(fired.body) for fired in result.alerts}
                answer.take_bars(result.bars)
                answer.take_metrics(result.metrics)
                answer.dead |= {(whole.partition, r.offset, r.index) for r in [*batch.rejected, *result.rejected]}
    return answer
