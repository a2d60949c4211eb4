"""One tick in a hundred is poison of some kind: each becomes a dead letter, the others are worked on, nothing stops."""

import asyncio
import os
import signal
from collections import Counter
from pathlib import Path

import msgspec

from infra.embedded.kafka import KafkaBroker
from schemas.dead_letter import reason_of
from schemas.partitioning import partition_of
from schemas.topics import TICKS_DEAD
from tests.support.chance import chance
from tests.support.load import same_as_offline
from tests.support.scanning import all_committed, ended, records_of, role, worker_process
from tests.support.tick_log import PARTITIONS, RULES, START_NS, Market, Values, apply_rules, write

SHARE = 0.01
CLEAN_EXIT = 0
ELSEWHERE = next(f"X{n}-USD" for n in range(100) if partition_of(f"X{n}-USD", PARTITIONS) != 0)
HERE = next(f"X{n}-USD" for n in range(100) if partition_of(f"X{n}-USD", PARTITIONS) == 0)
FAR_AHEAD_NS = START_NS + 10**18


def tick(symbol: str, **changed: object) -> bytes:
    return msgspec.json.encode({"symbol": symbol, "ts": START_NS, "price": 1.5, "size": 1} | changed)


KINDS: dict[str, tuple[bytes, ...]] = {
    "no JSON": (b"{", b"", b"hello", b"\x00\xff"),
    "a field is missing": (b'{"symbol":"C0-USD"}', b'{"ts":1,"price":1,"size":1}'),
    "a value that cannot be": (tick(HERE, price=-1), tick(HERE, size=0), tick(HERE, price=0.1234567891)),
    "a time that cannot be": (tick(HERE, ts=1), tick(HERE, ts=FAR_AHEAD_NS)),
    "the wrong partition": (tick(ELSEWHERE),),
    "no frame": (b"\xf7 no frame",),
}


def test_dead_letters_are_exactly_what_was_injected(broker: KafkaBroker, tmp_path: Path) -> None:
    random, injected = chance("poison"), Counter[bytes]()

    def poisoned(values: Values) -> Values:
        good = sum(map(len, values.values()))
        for _ in range(max(1, round(good * SHARE))):
            record = random.choice(KINDS[random.choice(list(KINDS))])
            injected[record] += 1
            values[0].insert(random.randrange(len(values[0]) + 1), record)
        return values

    async def check() -> None:
        market, log = Market(seed=random.randrange(10**6)), tmp_path / "worker.log"
        await apply_rules(broker.bootstrap, RULES)
        made = role(broker.bootstrap, tmp_path / "one", checkpoint_s=0.1)
        with worker_process(made, log) as process:
            for _ in range(20):
                await write(broker.bootstrap, poisoned(market.seconds(20)))
            await all_committed(broker.bootstrap)
            os.kill(process.pid, signal.SIGTERM)
            assert await ended(process) == CLEAN_EXIT
        dead = await records_of(broker.bootstrap, TICKS_DEAD.name)
        assert Counter(record.value for record in dead) == injected
        assert all(reason_of(record.headers) for record in dead)
        await same_as_offline(broker.bootstrap)

    asyncio.run(check())
