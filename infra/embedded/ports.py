"""Ports for servers that must come back on the same one after a crash."""

import random
import socket

LOOPBACK = "127.0.0.1"

# Below every usual ephemeral range: a client that keeps trying a dead server's port could otherwise be given
# that very port as its own, connect to itself, and keep the server from binding it again.
LOWEST, HIGHEST = 10_240, 32_000
ATTEMPTS = 1_000


def free_ports(count: int) -> tuple[int, ...]:
    """`count` different loopback ports that nothing listens on, drawn at random so that parallel runs rarely meet.

    Raises:
        RuntimeError: no such ports were found.
    """
    found: list[int] = []
    held: list[socket.socket] = []  # until all are drawn, so that they differ
    generator = random.SystemRandom()  # the same in every run if tests seed the shared one
    try:
        for _ in range(ATTEMPTS):
            if len(found) == count:
                return tuple(found)
            probe = socket.socket()
            held.append(probe)
            try:
                probe.bind((LOOPBACK, port := generator.randint(LOWEST, HIGHEST)))
            except OSError:
                continue
            found.append(port)
    finally:
        for probe in held:
            probe.close()
    raise RuntimeError(f"found {len(found)} of {count} free ports between {LOWEST} and {HIGHEST}")


def is_free(port: int) -> bool:
    """Whether a server could listen on that loopback port; connections of an earlier one do not count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
