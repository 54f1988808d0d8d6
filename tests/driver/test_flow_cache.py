"""The flow cache of the data plane: known flows ask policy no more, and whatever may change the
answer is noticed at once."""

from collections import Counter
from ipaddress import ip_address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mainmode import limits
from mainmode.model import Direction, Flow, Lifetime, SaPair, Selector
from mainmode.packets.refusal import Refusal
from mainmode.policy.model import Action, Policy, Rule
from mainmode.policy.selection import Decision, Selection
from tests.driver.pairs import addresses, pair, policy, rule
from tests.driver.test_plane import SECURE, A, B, Bench, bench, udp

WEB = rule(Action.NEGOTIATE, A, B, protocol=17, destination_port=80)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often policy was asked."""
    count = Counter[str]()
    decide = Selection.decide

    def counting(
        self: Selection, flow: Flow, direction: Direction = Direction.OUTBOUND
    ) -> Decision:
        count["asked"] += 1
        return decide(self, flow, direction)

    monkeypatch.setattr(Selection, "decide", counting)
    return count


def spi_of(sealed: bytes) -> int:
    return int.from_bytes(sealed[20:24], "big")


def for_web(label: str = "") -> SaPair:
    return pair(
        A,
        B,
        "esp:3des-sha1",
        selector=Selector(addresses(A), addresses(B), 17, 0, 80),
        label=f"web {label}",
    )


def plain(label: str = "", seconds: int = 3_600) -> SaPair:
    return pair(A, B, "esp:3des-sha1", label=label, lifetime=Lifetime(seconds, 0))


def test_a_known_flow_asks_policy_no_more(asked: Counter[str]) -> None:
    made = bench()
    made.install(plain())
    asked.clear()
    for _ in range(100):
        made.out(udp())
    assert (asked.total(), len(made.transmitted)) == (1, 100)


def test_a_new_policy_is_asked(asked: Counter[str]) -> None:
    made = bench()
    made.install(plain())
    made.out(udp())
    asked.clear()
    shut = policy(rule(Action.BLOCK, A, B))
    made.plane.assign(Selection(shut, [ip_address(A)]), 0.0)
    made.out(udp())
    assert (asked.total(), len(made.transmitted)) == (1, 1)
    assert made.refused == {Refusal.NOT_NEGOTIATED: 1}


def test_a_pair_that_is_gone_carries_nothing(asked: Counter[str]) -> None:
    made = bench()
    made.install(plain())
    made.out(udp())
    made.plane.remove(plain().spi)
    made.out(udp())
    assert len(made.transmitted) == 1
    assert len(made.asked) == 1


def test_a_newer_pair_takes_over() -> None:
    made = bench()
    made.install(plain("old"))
    made.out(udp())
    made.install(plain("new"))
    made.out(udp())
    assert [spi_of(each) for each in made.transmitted] == [
        plain("old").outbound.spi,
        plain("new").outbound.spi,
    ]


def test_a_pair_that_ends_by_the_clock_is_not_used_again() -> None:
    made = bench()
    made.install(plain(seconds=10))
    made.out(udp())
    made.tick(11)
    made.out(udp())
    assert len(made.transmitted) == 1


def test_what_is_remembered_is_bounded(asked: Counter[str]) -> None:
    made = bench()
    made.install(plain())
    for port in range(1, limits.FLOWS_KEPT_MAX + 1_000):
        made.out(udp(port=port))
    assert len(made.plane._flows) <= limits.FLOWS_KEPT_MAX


# --- as without a cache -----------------------------------------------------------------------

PAIRS = [plain(label) for label in ("one", "two")] + [for_web(label) for label in ("one", "two")]
POLICIES: list[Policy] = [
    policy(*rules)
    for rules in (
        (SECURE,),
        (SECURE, WEB),
        (WEB,),
        (rule(Action.BLOCK, A, B),),
        (SECURE, rule(Action.BLOCK, A, B, protocol=17, destination_port=80)),
    )
]


def steps() -> st.SearchStrategy[tuple[str, int]]:
    packets = st.tuples(st.just("packet"), st.sampled_from((80, 81)))
    installs = st.tuples(st.just("install"), st.integers(0, len(PAIRS) - 1))
    removals = st.tuples(st.just("remove"), st.integers(0, len(PAIRS) - 1))
    assignments = st.tuples(st.just("assign"), st.integers(0, len(POLICIES) - 1))
    return packets | packets | installs | removals | assignments


class Player:
    """Does the steps, with the cache or without."""

    def __init__(self, *, cached: bool) -> None:
        self.bench: Bench = bench()
        self._cached = cached
        self._installed: set[int] = set()

    def do(self, step: str, number: int) -> None:
        plane = self.bench.plane
        if not self._cached:
            plane._flows.clear()
        if step == "packet":
            self.bench.out(udp(port=number))
        elif step == "assign":
            plane.assign(Selection(POLICIES[number], [ip_address(A)]), 0.0)
        elif step == "install" and number not in self._installed:
            self._installed.add(number)
            self.bench.install(PAIRS[number])
        elif step == "remove":
            self._installed.discard(number)
            plane.remove(PAIRS[number].spi)

    @property
    def seen(self) -> tuple[object, ...]:
        sent = [spi_of(each) for each in self.bench.transmitted]
        return sent, self.bench.asked, self.bench.refused


@settings(max_examples=300)
@given(st.lists(steps(), max_size=40))
def test_the_cache_changes_nothing(played: list[tuple[str, int]]) -> None:
    cached, plainly = Player(cached=True), Player(cached=False)
    for step, number in played:
        for player in (cached, plainly):
            player.do(step, number)
        assert cached.seen == plainly.seen


def test_rules_of_the_property_meet() -> None:
    """Some of its packets go through each kind of pair, some wait, some are refused."""
    player = Player(cached=True)
    rules: tuple[Rule, ...] = POLICIES[1].rules
    assert len(rules) == 2
    for step, number in (
        ("install", 0),
        ("packet", 81),
        ("assign", 1),
        ("packet", 80),
        ("install", 2),
        ("packet", 80),
        ("assign", 3),
        ("packet", 80),
    ):
        player.do(step, number)
    sent, waiting, refused = player.seen
    web = PAIRS[2].outbound.spi
    assert sent == [PAIRS[0].outbound.spi, web, web]
    assert len(player.bench.asked) == 1
    assert waiting
    assert refused
