"""UDP ports that are free on every address."""

import socket
from contextlib import ExitStack


def free_ports(count: int) -> tuple[int, ...]:
    """Different ports above 1023; free now, and nobody else is likely to take them."""
    with ExitStack() as stack:
        taken = [
            stack.enter_context(socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
            for _ in range(count)
        ]
        for each in taken:
            each.bind(("::", 0))
        return tuple(each.getsockname()[1] for each in taken)


def two_free_ports() -> tuple[int, int]:
    ike, nat = free_ports(2)
    return ike, nat
