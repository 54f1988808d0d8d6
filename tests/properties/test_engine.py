"""Laws of the engine, whatever the network, the policies and the administrators do."""

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from mainmode.engine.effects import Send
from mainmode.engine.events import NegotiationFailed
from mainmode.policy.selection import Selection
from mainmode.testing.faults import FORGERS
from mainmode.testing.network import Arrival, Host, Network
from mainmode.testing.samples import CREDENTIALS, WRONG_CREDENTIALS, policy, rule
from mainmode.wire.attributes import Attribute
from mainmode.wire.payloads import Delete, Notification, Payload, SaPayload
from mainmode.wire.proposals import Proposal, Transform
from tests.engine.rungs import RUNGS, facing, rung
from tests.engine.scene import LONG_ENOUGH_S, Scene, header, keys, path, tables
from tests.properties.effort import examples
from tests.properties.test_wire import chains, payloads, sized

MAIN_MODES = ["des-md5-group1", "3des-sha1-group1", "aes128-sha2-256-group1", "3des-md5-group1"]
QUICK_MODES = ["esp:des-md5", "esp:3des-sha1", "ah:sha1", "esp:null-md5", "esp:aes128-sha2-256"]

fates = st.lists(st.sampled_from(["lost", "twice", "late", "forged", "fine"]), max_size=30)
"""What happens to the first datagrams, one after the other; later ones arrive."""


class Fates:
    """A network that does to each datagram what was decided before."""

    def __init__(self, decided: list[str], seed: int) -> None:
        self._decided = decided
        self._chance = Host("192.0.2.9", policy(), CREDENTIALS, seed=seed).random
        self._seen: list[bytes] = []

    def __call__(self, sent: Send, number: int) -> Iterable[Arrival]:
        self._seen.append(sent.datagram)
        fate = self._decided[number] if number < len(self._decided) else "fine"
        if fate == "forged":
            forger = self._chance.choice(FORGERS)
            yield Arrival(forger(self._chance, sent.datagram, self._seen))
        if fate != "lost":
            yield Arrival(sent.datagram, 1.7 if fate == "late" else 0.0)
        if fate == "twice":
            yield Arrival(sent.datagram, 0.005)


@examples(150)
@given(decided=fates, seed=st.integers(0, 1000), simultaneous=st.booleans())
def test_whatever_the_network_does_all_ends_in_agreement_or_an_explanation(
    decided: list[str], seed: int, simultaneous: bool
) -> None:
    scene = Scene(policy(main_mode="des-md5-group1"), fault=Fates(decided, seed), seed=seed)
    scene.network.connect(scene.alice, scene.bob)
    if simultaneous:
        scene.network.connect(scene.bob, scene.alice)
    scene.network.run(LONG_ENOUGH_S)
    require_sanity(scene)
    assert scene.alice.engine.quick_mode_sas() or scene.alice.of(NegotiationFailed)
    if "forged" not in decided and decided.count("lost") + decided.count("late") < 3:
        assert scene.alice.engine.quick_mode_sas()


@given(
    alice=st.permutations(MAIN_MODES).map(lambda order: order[:3]),
    bob=st.lists(st.sampled_from(MAIN_MODES), min_size=1, unique=True),
)
def test_main_mode_agrees_on_the_first_offer_of_the_initiator_that_the_responder_has(
    alice: list[str], bob: list[str]
) -> None:
    scene = Scene(policy(main_mode=alice), policy(main_mode=bob)).connect(LONG_ENOUGH_S)
    common = [offer for offer in alice if offer in bob]
    chosen = [sa.offer.name for sa in scene.bob.engine.main_mode_sas()]
    assert chosen == common[:1]
    require_sanity(scene)


@given(
    alice=st.permutations(QUICK_MODES).map(lambda order: order[:3]),
    bob=st.lists(st.sampled_from(QUICK_MODES), min_size=1, unique=True),
    pfs=st.sampled_from([("", ""), ("group1", ""), ("group1", "group1"), ("", "group1")]),
)
def test_quick_mode_likewise_unless_the_responder_wants_pfs_in_vain(
    alice: list[str], bob: list[str], pfs: tuple[str, str]
) -> None:
    scene = Scene(
        policy(rule(quick_mode=alice, pfs=pfs[0]), main_mode="des-md5-group1"),
        policy(rule(quick_mode=bob, pfs=pfs[1]), main_mode="des-md5-group1"),
    ).connect(LONG_ENOUGH_S)
    common = [offer for offer in alice if offer in bob and (pfs[0] or not pfs[1])]
    agreed = [pair.inbound.suite.replace(" ", ":") for pair in scene.bob.inbound.values()]
    assert agreed == common[:1]
    require_sanity(scene)


deeds = st.lists(
    st.tuples(
        st.sampled_from(["alice", "bob"]),
        st.sampled_from(
            [
                "connect",
                "acquire",
                "disconnect",
                "expire",
                "narrow policy",
                "wide policy",
                "new key",
                "old key",
                "close",
            ]
        ),
        st.sampled_from([0.0, 0.005, 0.01, 0.03, 0.5, 5.0, 61.0]),
    ),
    max_size=25,
)
"""Who does what, and how long it takes until the next deed."""


@examples(150)
@given(deeds=deeds, decided=fates)
def test_whatever_people_do_nothing_is_half_installed_and_nothing_is_left(
    deeds: list[tuple[str, str, float]], decided: list[str]
) -> None:
    calm = ["fine" if fate == "forged" else fate for fate in decided]
    scene = Scene(policy(main_mode="des-md5-group1"), fault=Fates(calm, 0))
    network = scene.network
    for name, deed, pause_s in deeds:
        who, other = (scene.alice, scene.bob) if name == "alice" else (scene.bob, scene.alice)
        do(scene, who, other, deed)
        network.run(network.now + pause_s)
        require_mirrored_keys(scene)
    network.run(network.now + LONG_ENOUGH_S)
    require_sanity(scene)
    for host, other in ((scene.alice, scene.bob), (scene.bob, scene.alice)):
        network.do(host, host.engine.disconnect(other.address, network.now))
    network.run(network.now + LONG_ENOUGH_S)
    for host in (scene.alice, scene.bob):
        assert not host.promised
        assert not host.engine.main_mode_sas()
        assert host.engine.next_wake is None


def do(scene: Scene, who: Host, other: Host, deed: str) -> None:
    network, engine = scene.network, who.engine
    narrow = policy(rule("any", "me", protocol=6, port=80), main_mode="des-md5-group1")
    wide = policy(main_mode="des-md5-group1")
    if deed == "connect":
        network.connect(who, other)
    elif deed == "acquire":
        scene.acquire(who, scene.flow(80))
    elif deed == "disconnect":
        network.do(who, engine.disconnect(other.address, network.now))
    elif deed == "expire":
        for spi in tuple(who.inbound):
            network.do(who, engine.expired(spi, network.now, hard=True))
    elif deed == "close":
        network.do(who, engine.close(network.now))
    else:
        assigned = narrow if deed == "narrow policy" else wide
        credentials = WRONG_CREDENTIALS if deed == "new key" else CREDENTIALS
        selection = Selection(assigned, [who.address])
        network.do(who, engine.assign(selection, credentials, network.now))


@given(datagrams=st.lists(st.binary(max_size=120), max_size=10))
def test_no_octets_raise_and_none_are_answered_with_more(datagrams: list[bytes]) -> None:
    host = Host("192.0.2.1", policy(), CREDENTIALS)
    network = Network(host)
    where = path("192.0.2.1", "192.0.2.2")
    for datagram in datagrams:
        assert sum(map(len, network.deliver(host, datagram, where))) <= len(datagram)
    assert not host.engine.main_mode_sas()


near_attributes = st.lists(
    st.builds(Attribute, st.integers(1, 16), st.integers(0, 20) | st.binary(max_size=4)), max_size=8
).map(tuple)
near_transforms = st.lists(
    st.builds(Transform, st.integers(0, 3), st.integers(0, 13), near_attributes),
    min_size=1,
    max_size=3,
).map(tuple)
near_proposals = st.one_of(
    st.builds(Proposal, st.integers(0, 3), st.just(1), st.binary(max_size=16), near_transforms),
    st.builds(Proposal, st.integers(0, 3), st.sampled_from([2, 3]), sized(4), near_transforms),
)
near_offers = st.builds(
    SaPayload, st.just(1), st.just(1), st.lists(near_proposals, min_size=1, max_size=3).map(tuple)
)
"""Numbers that mean something, in places where they may make sense."""


@examples(200)
@given(name=st.sampled_from(list(RUNGS)), where=st.integers(0, 5), what=near_offers | payloads)
def test_any_payload_in_place_of_the_right_one_is_survived(
    name: str, where: int, what: Payload
) -> None:
    """Under the right encryption and HASH; whoever is still there afterwards gets on with it."""
    standing = rung(name)
    sent: list[Payload] = list(standing.payloads)
    sent[where : where + 1] = [what]
    replies = standing.puppet.hears(standing.wrap(sent))
    assert len(replies) <= 8
    if name == "main_mode_1":
        assert sum(map(len, replies)) <= len(standing.wrap(sent))
    standing.puppet.network.run(LONG_ENOUGH_S)
    assert set(tables(standing.host).values()) == {0}
    assert standing.host.promised == set(standing.host.inbound)


@examples(200)
@given(chain=chains)
def test_any_payloads_in_a_protected_informational_message_are_survived(
    chain: tuple[Payload, ...],
) -> None:
    puppet = facing().establish()
    puppet.talk().establish()
    replies = puppet.hears(puppet.inform(*chain))
    asked = sum(isinstance(each, Notification | Delete) for each in chain)
    assert len(replies) <= asked, "a probe has an answer, and so has a delete with a nonce"
    assert puppet.host.promised == set(puppet.host.inbound)


# --- invariants -----------------------------------------------------------------------------------


def require_sanity(scene: Scene) -> None:
    """After a long silence."""
    require_mirrored_keys(scene)
    for host in (scene.alice, scene.bob):
        assert set(tables(host).values()) == {0}
        assert host.promised == set(host.inbound) == set(host.outbound)
        assert {sa.pair.spi for sa in host.engine.quick_mode_sas()} == host.promised
    ids = [
        (header(each).cky_i, header(each).cky_r, header(each).message_id, header(each).exchange)
        for each in set(scene.datagrams)
        if header(each).exchange == 5 and header(each).message_id
    ]
    assert len(set(ids)) == len(ids), "each informational message has an ID of its own"


def require_mirrored_keys(scene: Scene) -> None:
    """Whatever stands on both sides is the same."""
    theirs = {sa.cookies: sa.keys for sa in scene.bob.engine.main_mode_sas()}
    for sa in scene.alice.engine.main_mode_sas():
        assert theirs.get(sa.cookies, sa.keys) == sa.keys
    by_spi = {pair.inbound.spi: pair for pair in scene.bob.inbound.values()}
    for pair in scene.alice.inbound.values():
        mirrored = by_spi.get(pair.outbound.spi)
        if mirrored is not None:
            assert keys(mirrored.outbound) == keys(pair.inbound)
            assert keys(mirrored.inbound) == keys(pair.outbound)
