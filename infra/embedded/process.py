"""One server process: started, waited for, stopped or killed in limited time, and never left behind."""

import abc
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Self

from infra.embedded.ports import is_free

logger = logging.getLogger(__name__)

START_LIMIT_S = 60.0  # Kafka with much data on a loaded machine can take half of it
STOP_LIMIT_S = 30.0
SPAWN_LIMIT_S = 30.0
POLL_S = 0.02
LOG_TAIL_LINES = 25
STORE_NICENESS = 10
"""Of what keeps results: on one machine the bars of a minute would hold up the alerts of the next."""

_DIE_WITH_PARENT = Path(__file__).with_name("die_with_parent.py")


class ServerStartError(Exception):
    """A server ended, or was not ready in time, while starting; the text has the end of its log."""


class ServerProcess(abc.ABC):
    """A command run as the leader of its own session, so that Ctrl-C in the terminal does not reach it.

    Its output is appended to the file `log`; `ports` are the loopback ports it will listen on; `environment` is
    added to this process's own; with `niceness` it gives way to others, as with nice(1). `stop` or `kill` and then
    `start` runs it again. As a context manager it runs inside the block. It ends when this process ends, however that
    comes about (on Linux).
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        ports: Sequence[int] = (),
        environment: Mapping[str, str] | None = None,
        niceness: int = 0,
    ) -> None:
        self.name = name
        self.log = log
        self._ports = tuple(ports)
        self._command = tuple(command)
        self._environment = os.environ | (environment or {})
        self._niceness = niceness
        self._child: subprocess.Popen[bytes] | None = None
        self._ended = threading.Event()

    @abc.abstractmethod
    def is_ready(self) -> bool:
        """Whether it answers; called again and again while it starts, must return within about a second."""

    @property
    def running(self) -> bool:
        """Whether the process was started and has not ended."""
        return self._child is not None and not self._ended.is_set()

    @property
    def pid(self) -> int:
        """The process id, which is also the id of its process group.

        Raises:
            RuntimeError: it is not running.
        """
        if self._child is None or self._ended.is_set():
            raise RuntimeError(f"{self.name} is not running")
        return self._child.pid

    @property
    def exit_code(self) -> int | None:
        """What the last run ended with, negative for a signal; None while it runs and before the first."""
        return self._child.returncode if self._child else None

    def start(self, limit_s: float = START_LIMIT_S) -> None:
        """Start it and return once it is ready.

        Raises:
            RuntimeError: it is running already.
            ServerStartError: a port is taken, it ended, or it was not ready within `limit_s`; nothing is left running.
        """
        if self.running:
            raise RuntimeError(f"{self.name} is running already")
        for port in self._ports:
            if not is_free(port):  # whoever has it would answer in this server's place
                raise ServerStartError(f"{self.name} cannot start: another process has port {port}")
        deadline = time.monotonic() + limit_s
        self._spawn()
        try:
            while not self.is_ready():
                if self._ended.is_set():
                    raise ServerStartError(f"{self.name} ended with code {self.exit_code} at start{self._log_tail()}")
                if time.monotonic() > deadline:
                    raise ServerStartError(f"{self.name} was not ready after {limit_s:g} s{self._log_tail()}")
                time.sleep(POLL_S)
        except BaseException:  # Ctrl-C too must not leave it behind
            self.kill()
            raise

    def stop(self, limit_s: float = STOP_LIMIT_S) -> None:
        """Ask it to end (SIGTERM); kill it when it has not within `limit_s`. Does nothing once it ended."""
        self._signal(signal.SIGTERM)
        if self._child is not None and not self._ended.wait(limit_s):
            logger.warning("%s did not stop within %g s and is killed", self.name, limit_s)
            self.kill()

    def kill(self) -> None:
        """End it at once, as a crash would (SIGKILL to its process group), and wait for that."""
        self._signal(signal.SIGKILL)
        if self._child is not None and not self._ended.wait(STOP_LIMIT_S):
            raise RuntimeError(f"{self.name} (process {self._child.pid}) does not end, even killed")

    def restart(self) -> None:
        """Stop it in good order and start it again."""
        self.stop()
        self.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _signal(self, number: signal.Signals) -> None:
        if self._child is not None and not self._ended.is_set():
            try:
                os.killpg(self._child.pid, number)
            except ProcessLookupError:
                logger.debug("%s had just ended", self.name)

    def _spawn(self) -> None:
        started: Future[subprocess.Popen[bytes]] = Future()
        self._ended.clear()
        # The kernel's "parent" is the thread that forked: one that outlives the child, not the caller's,
        # which may belong to a pool that is closed as soon as everything has started.
        threading.Thread(target=self._own, args=(started,), name=f"owner of {self.name}", daemon=True).start()
        self._child = started.result(SPAWN_LIMIT_S)

    def _own(self, started: Future[subprocess.Popen[bytes]]) -> None:
        launcher = (sys.executable, "-I", "-S", str(_DIE_WITH_PARENT), str(os.getpid()), str(self._niceness))
        try:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            with self.log.open("ab") as log:
                child = subprocess.Popen(
                    [*launcher, *self._command],
                    env=self._environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        except OSError as error:
            self._ended.set()
            started.set_exception(error)
            return
        started.set_result(child)
        child.wait()
        self._ended.set()

    def _log_tail(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_TAIL_LINES:]
        return f"; the end of {self.log}:\n" + "\n".join(lines)
