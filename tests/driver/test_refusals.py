"""The user-space driver tells what it and the packet filter dropped, while packets go on."""

import asyncio
import logging
import threading

import pytest

from mainmode.driver.user import netfilter
from mainmode.driver.user.driver import UserDriver
from mainmode.errors import DriverError
from mainmode.packets.refusal import Refusal


async def refusals() -> dict[str, int]:
    """Of a driver that has refused three replayed packets."""
    driver = UserDriver(asyncio.get_running_loop())
    driver._plane.refusals[Refusal.REPLAYED] = 3
    return await driver.refusals()


def test_both_are_told_and_the_loop_goes_on_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    loop_went_on = threading.Event()

    def dropped() -> dict[str, int]:
        assert loop_went_on.wait(5), "the packet filter was asked on the loop"
        return {"clear_in": 2, "blocked_in": 0}

    async def case() -> dict[str, int]:
        asyncio.get_running_loop().call_later(0.01, loop_went_on.set)
        return await refusals()

    monkeypatch.setattr(netfilter, "dropped", dropped)
    assert asyncio.run(case()) == {
        Refusal.REPLAYED.value: 3,
        "arrived in clear where policy requires protection": 2,
    }


def test_a_packet_filter_that_cannot_be_asked(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def dropped() -> dict[str, int]:
        raise DriverError("nft: no such luck")

    monkeypatch.setattr(netfilter, "dropped", dropped)
    with caplog.at_level(logging.WARNING):
        assert asyncio.run(refusals()) == {Refusal.REPLAYED.value: 3}
    assert "nft: no such luck" in caplog.text
