"""Traffic between two hosts whose services protect it, and what that costs each service."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import Pipe

from mainmode.bench.ends import End, started
from mainmode.bench.flows import (
    Begun,
    Listening,
    Received,
    receive_datagrams,
    receive_stream,
    send_datagrams,
    send_stream,
)
from mainmode.bench.hosts import policy_of, require_reply, two_services
from mainmode.bench.terms import quick_mode_offer
from mainmode.bench.throughput import Cost, Flow, Traffic
from mainmode.bench.usage import cpu_s_of
from mainmode.demo.ping import Pinger
from mainmode.demo.service import Service
from mainmode.model import Mode

_PATIENCE_S = 20.0


def measure(suite: str, mode: Mode, seconds: float) -> Traffic:
    """A stream, then datagrams, each for so long, between hosts of their own. Raises Failed.

    suite: of quick mode, see `terms.quick_mode_offer`.
    """
    policy = policy_of(quick_mode=quick_mode_offer(suite), mode=mode)
    with two_services(policy) as (alice, bob):
        with Pinger(alice.host, bob.host.address) as pinger:
            pinger.send()
            require_reply(pinger, alice)
        with _stream(alice, bob, seconds) as receiver:
            stream = _measured(receiver, alice, bob, seconds)
        with _datagrams(alice, bob, seconds) as receiver:
            datagrams = _measured(receiver, alice, bob, seconds)
    return Traffic(suite, mode, stream, datagrams)


@contextmanager
def _stream(alice: Service, bob: Service, seconds: float) -> Iterator[End]:
    """The receiver of one."""
    address = bob.host.address
    with started("receiver", receive_stream, address, seconds, launch=bob.host.inside) as receiver:
        receiver.word(Listening, _PATIENCE_S)
        with started("sender", send_stream, address, launch=alice.host.inside):
            yield receiver


@contextmanager
def _datagrams(alice: Service, bob: Service, seconds: float) -> Iterator[End]:
    """The receiver of some."""
    address = bob.host.address
    back, forth = Pipe()
    with started(
        "receiver", receive_datagrams, address, seconds, back, launch=bob.host.inside
    ) as receiver:
        receiver.word(Listening, _PATIENCE_S)
        with started("sender", send_datagrams, address, forth, launch=alice.host.inside):
            back.close()
            forth.close()
            yield receiver


def _measured(receiver: End, alice: Service, bob: Service, seconds: float) -> Flow:
    receiver.word(Begun, _PATIENCE_S)
    costs = [_watch(alice), _watch(bob)]
    received = receiver.word(Received, seconds + _PATIENCE_S)
    sending, receiving = (cost() for cost in costs)
    return Flow(received, sending, receiving)


def _watch(service: Service) -> Callable[[], Cost]:
    """What the service spends from now on until it is asked."""
    began = _Reading.of(service)

    def cost() -> Cost:
        now = _Reading.of(service)
        return Cost(now.at - began.at, now.cpu_s - began.cpu_s, now.packets - began.packets)

    return cost


@dataclass(frozen=True, slots=True)
class _Reading:
    """A look at a service."""

    at: float
    cpu_s: float
    packets: int
    """That its pairs have carried, both ways."""

    @classmethod
    def of(cls, service: Service) -> "_Reading":
        pairs = service.client.get("/v1/qmsas")["qmsas"]
        packets = sum(each["packets_sent"] + each["packets_received"] for each in pairs)
        return cls(time.monotonic(), cpu_s_of(service.pid), packets)
