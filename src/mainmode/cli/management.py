"""The connection that a person is logged in through."""

from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

from mainmode.model import Flow
from mainmode.numbers import IpProtocol

_VARIABLE = b"SSH_CONNECTION="
_ANCESTORS_MAX = 32


def own_connection(processes: Path = Path("/proc")) -> Flow | None:
    """As sshd(8) tells the shell that it starts: the nearest ancestor's word counts, because sudo
    does not hand it on. None: somebody sits at the computer, or it cannot be known."""
    for environment in _environments(processes):
        for entry in environment.split(b"\0"):
            if entry.startswith(_VARIABLE):
                return _flow(entry.removeprefix(_VARIABLE).decode(errors="replace"))
    return None


def _flow(text: str) -> Flow | None:
    """`client port server port`."""
    try:
        client, client_port, server, server_port = text.split()
        return Flow(
            ip_address(server),
            ip_address(client),
            IpProtocol.TCP,
            int(server_port),
            int(client_port),
        )
    except ValueError:
        return None


def _environments(processes: Path) -> Iterator[bytes]:
    """Of this process and of those above it, as far as they can be read."""
    process = "self"
    for _ in range(_ANCESTORS_MAX):
        place = processes / process
        try:
            yield (place / "environ").read_bytes()
            # After the command's name, which may have blanks in it: state and parent, proc(5).
            process = (place / "stat").read_text().rpartition(")")[2].split()[1]
        except (OSError, IndexError):
            return
