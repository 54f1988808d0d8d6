"""The dynamic filters of the default response rule, in both drivers."""

from dataclasses import replace
from ipaddress import ip_address

import pytest

from mainmode.driver.answers import Answers
from mainmode.driver.model_packets import Packet as ModelPacket
from mainmode.driver.user import ruleset
from mainmode.driver.user.routing import DEPARTING
from mainmode.model import Direction, Flow, SaPair
from mainmode.numbers import IpProtocol
from mainmode.policy.model import Action, DefaultResponse, Policy
from mainmode.policy.selection import Selection
from tests.driver.nft_model import Fate, Json, Packet, fate
from tests.driver.pairs import pair as agreed
from tests.driver.pairs import rule
from tests.driver.test_model import Bench

A, B, C = (ip_address(f"192.0.2.{number}") for number in (1, 2, 3))
FLOW = Flow(A, B, IpProtocol.UDP, 4_000, 5_000)
RESPONDING = Policy("respond only", default_response=DefaultResponse(True))
DEVICE = "mainmode0"


def pair() -> SaPair:
    return agreed("192.0.2.1", "192.0.2.2", "esp:3des-sha1")


def selection(policy: Policy = RESPONDING) -> Selection:
    return Selection(policy, [A])


def answers() -> Answers:
    made = Answers()
    made.assign(selection(), ())
    return made


def again(one: SaPair, spi: int) -> SaPair:
    """Another pair for the same traffic."""
    return replace(one, inbound=replace(one.inbound, spi=spi))


def test_a_filter_stands_from_the_first_pair_to_the_last() -> None:
    made, first = answers(), pair()
    second = again(first, first.spi + 1)
    begun = made.add(first)
    assert begun is not None
    assert [each.selector for each in begun.answered] == [first.selector]
    assert made.add(second) is None
    assert made.remove(first.spi) is None
    ended = made.remove(second.spi)
    assert ended is not None
    assert ended.answered == ()
    assert made.remove(second.spi) is None


def test_a_pair_under_a_rule_needs_none() -> None:
    made = Answers()
    made.assign(selection(replace(RESPONDING, rules=(rule(Action.NEGOTIATE, "me", "any"),))), ())
    assert made.add(pair()) is None
    made.assign(selection(Policy("nothing")), ())
    assert made.add(pair()) is None
    assert Answers().add(pair()) is None, "no policy yet"


def test_a_new_policy_looks_at_the_pairs_that_stand() -> None:
    made, one = answers(), pair()
    assert len(made.assign(selection(), [one]).answered) == 1
    assert made.add(again(one, 0x7777)) is None
    covered = selection(replace(RESPONDING, rules=(rule(Action.NEGOTIATE, "me", "any"),)))
    assert made.assign(covered, [one]) is covered


# --- the packet filter ----------------------------------------------------------------------------


def table(*answered: SaPair) -> Json:
    made = Answers().assign(selection(), answered)
    return ruleset.build(made, device=DEVICE, ike_ports=(500, 4500))


def leaves(made: Json, flow: Flow) -> Fate:
    return fate(made, "output", Packet.leaving(flow, local=[A]))


def arrives(made: Json, flow: Flow, came_in: str = "wire") -> Fate:
    return fate(made, "input", Packet.arriving(flow, local=[A], came_in=came_in))


def test_the_packet_filter_protects_the_traffic_of_such_pairs_alone() -> None:
    made = table(pair())
    assert leaves(made, FLOW) == (True, DEPARTING, "")
    assert arrives(made, FLOW) == (False, 0, "clear_in")
    assert arrives(made, FLOW, DEVICE).passes
    other = replace(FLOW, remote=C)
    assert leaves(made, other) == (True, 0, "")
    assert arrives(made, other).passes
    ike = Flow(A, B, IpProtocol.UDP, 500, 500)
    assert leaves(made, ike) == (True, 0, "")
    assert arrives(made, ike).passes


def test_changing_them_is_the_same_as_building_anew() -> None:
    def rules(made: Json) -> list[Json]:
        added = (each.get("add", {}).get("rule") for each in made["nftables"])
        return [each for each in added if each and each["chain"].startswith("answers")]

    during = Answers().assign(selection(), [pair()])
    change = ruleset.answers(during, device=DEVICE)
    assert rules(change) == rules(table(pair())) != []
    flushed = [each["flush"]["chain"]["name"] for each in change["nftables"] if "flush" in each]
    assert flushed == ["answers_out", "answers_in"]


def test_without_the_rule_nothing_jumps_there() -> None:
    made = ruleset.build(selection(Policy("plain")), device=DEVICE, ike_ports=(500,))
    assert not [each for each in made["nftables"] if "jump" in str(each)]


# --- the driver of simulations --------------------------------------------------------------------


@pytest.mark.parametrize("direction", list(Direction))
def test_the_model_follows(direction: Direction) -> None:
    bench = Bench(RESPONDING)
    packet = ModelPacket(FLOW, 1, 100)
    bench.driver.outbound(packet)
    assert bench.sent == [packet], "in clear before anybody asks"
    one = pair()
    bench.driver.install(one, Direction.INBOUND)
    bench.driver.outbound(packet._replace(number=2))
    assert len(bench.sent) == 1, "it waits"
    if direction is Direction.OUTBOUND:
        bench.driver.install(one, Direction.OUTBOUND)
        assert len(bench.sent) == 2
        assert bench.sent[-1] != packet
    bench.driver.remove(one.spi)
    bench.driver.outbound(packet._replace(number=3))
    assert bench.sent[-1] == packet._replace(number=3)
