"""A scan worker as a process of its own, for tests that kill it: BOOTSTRAP DATA_DIR CHECKPOINT_S INSTANCE_ID."""

import asyncio
import signal
import sys
from pathlib import Path

from app.topology import ScanApp, prepare_scan
from infra.logs import setup_logs
from tests.support.scanning import role


async def main(bootstrap: str, data_dir: str, checkpoint_s: str, instance_id: str) -> None:
    """Work until SIGTERM."""
    setup_logs("scan")
    made = role(bootstrap, Path(data_dir), float(checkpoint_s), instance_id or None)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await ScanApp(made, await prepare_scan(made)).run(stop)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
