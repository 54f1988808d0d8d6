"""Every invariant can fail: with a mistake put into mainmode, the simulation finds it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from mainmode.driver.model import ModelDriver
from mainmode.driver.model_packets import Packet
from mainmode.engine import engine, informational
from mainmode.engine.associations import Associations, MainModeSa
from mainmode.engine.desk import Entropy
from mainmode.engine.endings import Endings
from mainmode.engine.exchange import Exchange
from mainmode.engine.quick_mode import Agreed, QuickMode
from mainmode.engine.succession import Succession
from mainmode.engine.timers import TimerKind, Timers
from mainmode.model import Path, SaPair
from mainmode.testing.simulation.invariants import ALL
from mainmode.testing.simulation.plan import Settings
from mainmode.testing.simulation.run import Simulation
from mainmode.testing.simulation.stage import Stage
from mainmode.testing.simulation.watch import Broken
from mainmode.wire.header import Header
from tests.simulation.sabotage import Sabotage, answer, put, silence


def life(stage: Stage) -> None:
    """Two hosts begin at once, talk, fall silent and say goodbye."""
    alice, bob = stage.two()
    alice.say(stage.flow(alice, bob))
    bob.say(stage.flow(bob, alice))
    stage.talk(alice, stage.flow(alice, bob), 60.0)
    stage.world.require_quiet()
    alice.enter(alice.engine.close)
    stage.run(200.0)
    stage.world.require_nothing_left()


def no_answer(stage: Stage) -> None:
    alice, bob = stage.two()
    stage.lose("all")
    alice.say(stage.flow(alice, bob))
    stage.run(100.0)


def stranger(stage: Stage) -> None:
    alice, bob = stage.two()
    bob.assign(replace(bob.terms, policy=replace(bob.terms.policy, rules=())))
    alice.say(stage.flow(alice, bob))
    stage.run(1.0)


def send_in_clear(self: ModelDriver, packet: Packet) -> None:
    self._transmit(packet)


def wrong_keys(patch: pytest.MonkeyPatch) -> None:
    derive = QuickMode._derive

    def half_wrong(self: QuickMode, theirs: Agreed, ni_b: bytes, nr_b: bytes) -> SaPair:
        pair = derive(self, theirs, ni_b, nr_b)
        key = bytes(len(pair.inbound.cipher_key))
        wrong = replace(pair.inbound, cipher_key=key)
        return replace(pair, inbound=wrong) if self.role.value == "initiator" else pair

    patch.setattr(QuickMode, "_derive", half_wrong)


def one_message_id(sa: MainModeSa, _entropy: Entropy) -> int:
    sa.use(7)
    return 7


def never_give_up(self: Exchange) -> None:
    self._retries = 0
    self._send_again(1)
    self._arm(TimerKind.RETRY, 1.0)


def more_than_was_sent(
    self: engine.Engine, _header: Header, datagram: bytes, path: Path, *_rest: object
) -> None:
    self._desk.send(path, datagram[:8] + b"cookie_r" + datagram[16:] + datagram)


def clumsy(_self: ModelDriver, _pair: SaPair, _direction: object) -> None:
    raise KeyError("clumsy")


CASES: dict[str, tuple[Callable[[Stage], None], Sabotage]] = {
    "nothing in clear": (life, put(ModelDriver, "outbound", send_in_clear)),
    "both ends hold the same": (life, wrong_keys),
    "IKE and driver agree": (life, silence(ModelDriver, "remove")),
    "one pair for each selector": (life, silence(Succession, "_settle")),
    "every timer belongs to a live thing": (life, silence(Timers, "cancel")),
    "nothing leaks": (life, silence(Endings, "end_everything")),
    "no message ID or IV twice": (life, put(informational, "fresh_message_id", one_message_id)),
    "retries stay in the cycle": (no_answer, put(Exchange, "retry", never_give_up)),
    "answers and tables stay bounded": (
        stranger,
        put(engine.Engine, "_refuse_offer", more_than_was_sent),
    ),
    "every failure is explained": (life, put(ModelDriver, "install", clumsy)),
}


def test_every_invariant_has_its_case() -> None:
    assert set(CASES) == {each.name for each in ALL}


@pytest.mark.parametrize("life_of", [life, no_answer, stranger])
def test_without_a_mistake_nothing_is_found(life_of: Callable[[Stage], None]) -> None:
    life_of(Stage("as it is"))


@pytest.mark.parametrize("name", CASES)
def test_the_mistake_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    story, sabotage = CASES[name]
    sabotage(monkeypatch)
    with pytest.raises(Broken) as caught:
        story(Stage("sabotaged"))
    assert caught.value.what == name


def test_leaking_tables_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """An index that keeps what its table has let go."""
    forget = Associations.remove_main_mode

    def keep(self: Associations, sa: MainModeSa) -> None:
        forget(self, sa)
        self._by_peer.setdefault(sa.path.peer.address, [])

    monkeypatch.setattr(Associations, "remove_main_mode", keep)
    with pytest.raises(Broken, match="main mode SAs by peer"):
        life(Stage("sabotaged"))


def test_an_engine_that_does_not_recover_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(engine.Engine, "acquire", [])(monkeypatch)
    outcome = Simulation(1, Settings()).run()
    assert outcome.broken.startswith("recovery: ")
    assert "without a fault" in outcome.broken


def test_a_mistake_that_nobody_catches_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(engine.Engine, "acquire")
    outcome = Simulation(1, Settings()).run()
    assert "AttributeError" in outcome.broken
