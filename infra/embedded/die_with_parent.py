"""Becomes the given command, after asking the kernel to kill it when the process that started it ends, and to let
others go first where it should give way.

Run as a script: `python die_with_parent.py PARENT_PID NICENESS COMMAND [ARGUMENT ...]`. Where the kernel has no such
request (anything but Linux) the command runs without it.
"""

import contextlib
import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h


AUTOGROUP = "/proc/self/autogroup"  # sched(7): where there is one, niceness counts within a session only


def main(parent_pid: int, niceness: int, command: list[str]) -> None:
    """Replace this process by `command`; it keeps the process id."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent_pid:  # it ended before the request was made
            sys.exit(f"process {parent_pid}, which wanted {command[0]}, is gone")
    if niceness:
        os.nice(niceness)
        with contextlib.suppress(OSError), open(AUTOGROUP, "w") as group:
            group.write(str(niceness))
    try:
        os.execvp(command[0], command)
    except OSError as error:
        sys.exit(f"cannot run {command[0]}: {error.strerror}")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
