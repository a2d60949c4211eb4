"""The chDB server as a child process, with the life of a server: start, stop, crash, start again."""

import http.client
import sys
from pathlib import Path

from infra.embedded.ports import LOOPBACK, free_ports
from infra.embedded.process import STORE_NICENESS, ServerProcess

PROBE_LIMIT_S = 1.0


class ChdbServer(ServerProcess):
    """ClickHouse on one machine, its rows kept below `folder`; a client is made with `get_client(host, port)`.

    Started again, it comes back on the same port with the same rows. Its exit code is 0 when it closed them
    in good order.
    """

    host = LOOPBACK

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self.port = port or free_ports(1)[0]
        command = (
            sys.executable, "-m", "infra.embedded.clickhouse_server",
            "--path", str(folder / "data"), "--port", str(self.port),
        )  # fmt: skip
        # As a server in a container has it, whatever this machine's is: dates must not move with the machine.
        environment = {"TZ": "UTC"}
        log = folder / "server.log"
        super().__init__("the ClickHouse server", command, log, (self.port,), environment, STORE_NICENESS)

    def is_ready(self) -> bool:
        """Whether `/ping` is answered."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=PROBE_LIMIT_S)
        try:
            connection.request("GET", "/ping")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
