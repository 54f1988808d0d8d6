"""Every input of the engine passes the door."""

import asyncio
from collections.abc import Callable
from ipaddress import ip_address

import pytest

from mainmode import limits
from mainmode.engine.effects import Send
from mainmode.errors import PersonError
from mainmode.model import Direction, Endpoint, Flow, IpAddress, Mode, Path
from mainmode.policy.model import Action, Policy
from mainmode.policy.selection import Decision, Selection
from mainmode.service.addresses import Routes
from mainmode.service.audit import AuditStore
from mainmode.service.door import Door
from mainmode.service.events import InternalError
from tests.driver.pairs import policy, rule
from tests.service.fakes import FLOW, PATH, THERE, ScriptedDriver, ScriptedEngine
from tests.service.virtual_time import VirtualLoop

GATEWAY = ip_address("192.0.2.254")
ROUTED = ip_address("192.0.2.77")


class Decided(Selection):
    """Always the same decision."""

    def __init__(self, peer: IpAddress | None, mode: Mode) -> None:
        super().__init__(Policy(), ())
        self.decision = Decision(Action.NEGOTIATE, None, None, peer, mode, ())

    def look_up(self, flow: Flow, direction: Direction = Direction.OUTBOUND) -> Decision:
        return self.decision


class OneRoute(Routes):
    """Every peer is reached from the same address, or none at all."""

    def __init__(self, local: IpAddress | None) -> None:
        super().__init__((), 500, lambda: 0.0)
        self._local = local

    def _ask(self, peer: IpAddress) -> IpAddress | None:
        return self._local


class Bench:
    """A door with everything around it scripted, in virtual time."""

    def __init__(
        self,
        selection: Selection | None = None,
        local: IpAddress | None = ROUTED,
    ) -> None:
        self.engine = ScriptedEngine()
        self.audit = AuditStore()
        self.sent: list[bytes] = []
        self.loop = asyncio.get_running_loop()
        self.door = Door(
            self.engine,
            ScriptedDriver(),
            self,
            self.audit,
            OneRoute(local),
            selection or Decided(THERE.address, Mode.TRANSPORT),
            500,
            clock=self.loop.time,
        )

    def send(self, path: Path, datagram: bytes) -> None:
        self.sent.append(datagram)

    def keep_alive(self, path: Path) -> None:
        self.sent.append(b"\xff")

    @property
    def events(self) -> list[str]:
        return [type(entry.event).__name__ for entry in self.audit.since(0)]


def in_loop(case: Callable[[], object]) -> None:
    """Run the case inside a loop with virtual time."""

    async def started() -> None:
        result = case()
        if asyncio.iscoroutine(result):
            await result

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(started())


def test_datagrams_reach_the_engine_and_its_answers_leave() -> None:
    def case() -> None:
        bench = Bench()
        bench.engine.on("receive", [Send(PATH, b"answer")])
        bench.door.datagrams([(b"one", PATH), (b"two", PATH)])
        assert bench.engine.named("receive") == [(b"one", PATH), (b"two", PATH)]
        assert bench.sent == [b"answer"]

    in_loop(case)


def test_a_mistake_over_one_datagram_is_kept_with_its_octets_and_the_next_one_is_read() -> None:
    def case() -> None:
        bench = Bench()
        bench.engine.on("receive", RuntimeError("a mistake"), [Send(PATH, b"answer")])
        bench.door.datagrams([(b"\x01\x02bad", PATH), (b"good", PATH)])
        assert bench.sent == [b"answer"]
        (entry,) = bench.audit.since(0)
        assert isinstance(entry.event, InternalError)
        assert entry.event.datagram == b"\x01\x02bad"
        shown = entry.as_json()
        assert (shown["peer"], shown["datagram"]) == ("192.0.2.2:500", "0102626164")
        assert "RuntimeError: a mistake" in shown["sentence"]

    in_loop(case)


def test_the_timer_follows_the_engine() -> None:
    async def case() -> None:
        bench = Bench()
        bench.engine.next_wake = 10.0
        bench.door.datagrams([(b"x", PATH)])
        bench.engine.next_wake = 5.0
        bench.door.datagrams([(b"x", PATH)])
        bench.engine.next_wake = 20.0
        bench.door.datagrams([(b"x", PATH)])
        await asyncio.sleep(19.9)
        assert bench.engine.named("wake") == []
        bench.engine.next_wake = None
        await asyncio.sleep(1000)
        ((at,),) = bench.engine.named("wake")
        assert at == pytest.approx(20.0, abs=0.01)
        assert at >= 20.0, "early would find nothing due"

    in_loop(case)


def test_a_timer_that_fails_does_not_spin() -> None:
    async def case() -> None:
        bench = Bench()
        bench.engine.next_wake = 1.0
        bench.engine.on("wake", *[RuntimeError("a mistake")] * 100)
        bench.door.disconnect(THERE.address)
        await asyncio.sleep(10)
        woken = [at for (at,) in bench.engine.named("wake")]
        assert 5 < len(woken) <= 10 / limits.FAILED_WAKE_S
        assert bench.events == ["InternalError"] * len(woken)

    in_loop(case)


def test_an_acquire_goes_from_the_packets_own_address_in_transport_mode() -> None:
    def case() -> None:
        bench = Bench(Decided(THERE.address, Mode.TRANSPORT))
        bench.door.acquire(FLOW)
        assert bench.engine.named("acquire") == [
            (FLOW, Path(Endpoint(FLOW.local, 500), Endpoint(THERE.address, 500)))
        ]

    in_loop(case)


def test_an_acquire_goes_from_the_routes_address_to_a_gateway() -> None:
    def case() -> None:
        bench = Bench(Decided(GATEWAY, Mode.TUNNEL))
        bench.door.acquire(FLOW)
        assert bench.engine.named("acquire") == [
            (FLOW, Path(Endpoint(ROUTED, 500), Endpoint(GATEWAY, 500)))
        ]

    in_loop(case)


@pytest.mark.parametrize(
    ("peer", "local", "why"),
    [
        (None, ROUTED, "policy asks for no negotiation"),
        (GATEWAY, None, "no route leads to 192.0.2.254"),
    ],
)
def test_an_acquire_that_leads_nowhere_is_reported(
    peer: IpAddress | None, local: IpAddress | None, why: str
) -> None:
    def case() -> None:
        bench = Bench(Decided(peer, Mode.TUNNEL), local)
        bench.door.acquire(FLOW)
        assert bench.engine.calls == []
        (entry,) = bench.audit.since(0)
        assert entry.event.sentence == f"no negotiation for {FLOW}: {why}"

    in_loop(case)


def test_the_other_inputs() -> None:
    def case() -> None:
        bench = Bench()
        bench.door.connect(THERE.address)
        bench.door.disconnect(THERE.address)
        bench.door.expired(0x77, hard=True)
        bench.door.used(0x78)
        bench.door.idle(0x79)
        bench.door.soft_idle(7)
        bench.door.close()
        assert bench.engine.calls == [
            ("connect", Path(Endpoint(ROUTED, 500), THERE)),
            ("disconnect", THERE.address),
            ("expired", 0x77, True),
            ("used", 0x78),
            ("idle", 0x79),
            ("soft_idle", 7),
            ("close",),
        ]

    in_loop(case)


def test_a_bad_spi_is_for_the_engine_when_policy_negotiates_with_the_peer() -> None:
    def case() -> None:
        secured = policy(rule(Action.NEGOTIATE, "me", str(THERE.address)))
        bench = Bench(Selection(secured, [ROUTED]))
        bench.door.bad_spi(ROUTED, ip_address("198.51.100.1"), 0xDEAD_BEEF)
        assert bench.engine.calls == []
        bench.door.bad_spi(ROUTED, THERE.address, 0xDEAD_BEEF)
        path = Path(Endpoint(ROUTED, 500), Endpoint(THERE.address, 500))
        assert bench.engine.calls == [("bad_spi", path, 0xDEAD_BEEF)]
        assert bench.events == []

    in_loop(case)


def test_connecting_where_no_route_leads_is_the_persons_mistake() -> None:
    def case() -> None:
        with pytest.raises(PersonError, match=r"no route leads to 192\.0\.2\.2"):
            Bench(local=None).door.connect(THERE.address)

    in_loop(case)


def test_after_closing_no_timer_runs() -> None:
    async def case() -> None:
        bench = Bench()
        bench.engine.next_wake = 5.0
        bench.door.close()
        await asyncio.sleep(100)
        assert bench.engine.named("wake") == []

    in_loop(case)
