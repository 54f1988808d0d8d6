"""A host that protects its traffic by `mainmode run`, which may be killed and started again."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mainmode.cli.client import Client
from tests.driver.lab import ping
from tests.peers.network import Host
from tests.service.processes import MAINMODE, Service, prepare, running

PATIENCE_S = 20.0

POLICY = """\
[policy]
name = "NAME"

[main_mode]
retry_intervals = ["0.3s", "0.3s", "0.6s"]

[filter_list.peer]
filters = [
    {{ source = "me", destination = "192.0.2.0/24" }},
    {{ source = "me", destination = "fd00::/64" }},
]

[filter_action.protect]
action = "negotiate"
offers = ["{offer}"]

[[rule]]
name = "peer"
filter_list = "peer"
filter_action = "protect"
authentication = [{{ method = "preshared_key", secret_file = "psk" }}]
"""


class Station:
    """Host and service. The service runs from the beginning of the block."""

    def __init__(
        self, host: Host, folder: Path, policy: str = "", program: Sequence[str] = MAINMODE
    ) -> None:
        """program: what is run in place of `mainmode`."""
        self.host = host
        self.address = host.address
        self.folder = folder / host.address
        self.policy = prepare(self.folder, policy or POLICY.format(offer="esp:3des-sha1"))
        self._program = program
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with self._stack as stack:
            self.start()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._stack.close()

    def start(self) -> None:
        """Returns when the service is ready."""
        inside = ["nsenter", f"--net={self.host.path}", "--"]
        words = ["--driver", "user"]
        self.service: Service = self._stack.enter_context(
            running(self.folder, self.address, words, inside, self._program)
        )
        self._client = Client(str(self.service.control))

    def kill(self) -> None:
        """As kill -9 does; the process is gone afterwards."""
        self.service.process.kill()
        self.service.process.wait(PATIENCE_S)

    def ask(self, what: str) -> Any:  # noqa: ANN401 - JSON
        """`mmsas`, `qmsas`, `soft`, `stats` or `status`."""
        answer = self._client.get(f"/v1/{what}")
        return answer.get(what, answer)

    def down(self, address: str) -> None:
        """End every SA with this peer."""
        self._client.post("/v1/down", peer=address)

    def reaches(self, address: str, size: int = 57, seconds: float = 3.0) -> bool:
        """Whether one ping is answered; its size is not that of the floods."""
        return ping(self.host, address, size, seconds)

    def wait_until_reaching(self, address: str) -> None:
        wait_for(lambda: self.reaches(address, seconds=0.5), f"{self.address} reaches {address}")


def wait_for(reached: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
    """Until it is so."""
    deadline = time.monotonic() + patience_s
    while not reached():
        assert time.monotonic() < deadline, f"never came about: {what}"
        time.sleep(0.02)
