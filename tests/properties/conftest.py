"""Settings of all property tests: a law does not break because the machine is busy. A quick run
tries fewer examples where a test does not say how many it needs."""

import pytest
from hypothesis import settings

settings.register_profile("mainmode", deadline=None)
settings.register_profile("quick", deadline=None, max_examples=40)
settings.load_profile("mainmode")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config) -> None:
    if config.getoption("--quick"):
        settings.load_profile("quick")


@pytest.fixture(scope="session")
def stores(pytestconfig: pytest.Config) -> int:
    """How many policy stores a round trip tries."""
    return 40 if pytestconfig.getoption("--quick") else int(pytestconfig.getoption("--stores"))


@pytest.fixture(scope="session")
def packets(pytestconfig: pytest.Config) -> int:
    """How many packets are explained."""
    return 400 if pytestconfig.getoption("--quick") else int(pytestconfig.getoption("--packets"))
