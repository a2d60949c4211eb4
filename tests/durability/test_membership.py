"""Workers that share the partitions, come, go and die: each tick is worked on, and nothing new is told twice."""

import asyncio
from pathlib import Path

from infra.embedded.kafka import KafkaBroker
from tests.support.chance import chance
from tests.support.scenarios import change_members

CHANGES = 8


def test_up_to_three_workers_join_leave_and_die(broker: KafkaBroker, tmp_path: Path) -> None:
    asyncio.run(change_members(broker, tmp_path, chance("membership"), CHANGES))
