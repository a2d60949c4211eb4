"""A broker that restarts, crashes, is away or stands still: workers wait, lose nothing, and go on by themselves."""

import asyncio
from pathlib import Path

from infra.embedded.kafka import KafkaBroker
from tests.support.chance import chance
from tests.support.scenarios import crash, hurt_broker, outage, restart, stand_still

OUTAGE_S = 8.0
PAUSE_S = 5.0


def test_restarts_an_outage_and_a_pause_change_nothing(broker: KafkaBroker, tmp_path: Path) -> None:
    faults = [restart, crash, outage(OUTAGE_S), stand_still(PAUSE_S)]
    asyncio.run(hurt_broker(broker, tmp_path, chance("broker faults"), faults))
