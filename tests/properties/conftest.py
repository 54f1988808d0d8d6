"""Settings of all property tests: a law does not break because the machine is busy."""

import pytest
from hypothesis import settings

from tests.properties.effort import be_quick, share_of

_EXAMPLES = 100
"""Where a test does not say how many."""


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--quick"):
        be_quick()
    settings.register_profile("mainmode", deadline=None, max_examples=share_of(_EXAMPLES))
    settings.load_profile("mainmode")


@pytest.fixture(scope="session")
def stores(pytestconfig: pytest.Config) -> int:
    """How many policy stores a round trip tries."""
    return int(pytestconfig.getoption("--stores"))


@pytest.fixture(scope="session")
def packets(pytestconfig: pytest.Config) -> int:
    """How many packets are explained."""
    return share_of(int(pytestconfig.getoption("--packets")))
