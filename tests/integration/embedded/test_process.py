"""A server process is never left behind, and one that cannot start says why."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from infra.embedded.process import ServerProcess, ServerStartError

LIMIT_S = 20.0


class Script(ServerProcess):
    """A Python program that is ready once it has written `ready` to its log."""

    def __init__(self, folder: Path, source: str) -> None:
        super().__init__("the script", (sys.executable, "-u", "-c", source), folder / "server.log")

    def is_ready(self) -> bool:
        return self.log.exists() and "ready" in self.log.read_text()


SERVE = "print('ready'); import time; time.sleep(600)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SERVE}"


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_one_that_ends_at_start_is_quoted(tmp_path: Path) -> None:
    with pytest.raises(ServerStartError, match=r"(?s)the script ended with code 3 at start; the end of .*no such port"):
        Script(tmp_path, "print('no such port'); raise SystemExit(3)").start(LIMIT_S)


def test_one_that_is_never_ready_is_ended(tmp_path: Path) -> None:
    script = Script(tmp_path, "print('busy'); import time; time.sleep(600)")
    with pytest.raises(ServerStartError, match=r"not ready after 0\.2 s"):
        script.start(0.2)
    assert not script.running


def test_a_command_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    class Missing(Script):
        def __init__(self, folder: Path) -> None:
            ServerProcess.__init__(self, "the command", (str(folder / "nothing"),), folder / "server.log")

    with pytest.raises(
        ServerStartError, match=r"(?s)the command ended with code 1 at start.*cannot run .*nothing: No such file"
    ):
        Missing(tmp_path).start(LIMIT_S)


def test_stop_ends_it_and_start_runs_it_again(tmp_path: Path) -> None:
    script = Script(tmp_path, SERVE)
    script.start(LIMIT_S)
    first = script.pid
    with pytest.raises(RuntimeError, match="running already"):
        script.start(LIMIT_S)
    script.stop(LIMIT_S)
    assert script.exit_code == -signal.SIGTERM
    script.stop(LIMIT_S)  # nothing to do
    with script:
        assert script.pid != first
    with pytest.raises(RuntimeError, match="not running"):
        _ = script.pid


def test_one_that_will_not_stop_is_killed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    script = Script(tmp_path, STUBBORN)
    script.start(LIMIT_S)
    script.stop(0.1)
    assert script.exit_code == -signal.SIGKILL
    assert "the script did not stop within 0.1 s and is killed" in caplog.text


def test_it_outlives_the_thread_that_started_it(tmp_path: Path) -> None:
    script = Script(tmp_path, SERVE)
    with ThreadPoolExecutor() as pool:
        pool.submit(script.start, LIMIT_S).result()
    time.sleep(0.1)  # the kernel's signal, were there one, comes with the end of the thread
    assert script.running
    script.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's request to die with the parent is Linux's")
def test_it_ends_with_the_process_that_started_it_even_killed(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time; from pathlib import Path\n"
            "from tests.integration.embedded.test_process import STUBBORN, Script\n"
            "script = Script(Path(sys.argv[1]), STUBBORN); script.start(); print(script.pid, flush=True)\n"
            "time.sleep(600)",
            str(tmp_path),
        ],
        stdout=subprocess.PIPE,
    )
    assert parent.stdout is not None
    with parent:
        pid = int(parent.stdout.readline())
        assert alive(pid)
        os.kill(parent.pid, signal.SIGKILL)
    deadline = time.monotonic() + LIMIT_S
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not alive(pid)
