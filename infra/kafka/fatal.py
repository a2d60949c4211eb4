"""The end of a process that must not go on: what went wrong is logged, nothing is saved, a supervisor starts anew."""

from __future__ import annotations

import logging
import os
import sys
from typing import NoReturn

EXIT_CODE = 70  # EX_SOFTWARE of sysexits.h

logger = logging.getLogger(__name__)


def end_process(reason: str, error: BaseException | None = None) -> NoReturn:
    """Log `reason`, flush the logs and leave without running any clean-up: state in memory is not to be trusted."""
    logger.critical("the process ends: %s", reason, exc_info=error)
    for handler in logging.getLogger().handlers:
        handler.flush()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(EXIT_CODE)
