"""Hosts for the tests of the driver."""

from collections.abc import Iterator

import pytest

from tests.peers.network import Host, two_hosts


@pytest.fixture
def hosts() -> Iterator[tuple[Host, Host]]:
    """192.0.2.1 and 192.0.2.2, joined by a wire; nothing is protected yet."""
    with two_hosts() as both:
        yield both
