"""ike-scan, which probes for IKE services: it can read mainmode's answers, and gets no more of
them than a service owes a stranger.

| its probe                          | mainmode's answer                                     |
|------------------------------------|-------------------------------------------------------|
| main mode, several transforms      | the first that policy has                             |
| main mode, one transform           | that, or NO-PROPOSAL-CHOSEN                           |
| main mode from an unknown address  | nothing                                               |
| aggressive mode                    | nothing: it would give a HASH of the key to anybody   |
| a quick mode out of the blue, IKEv2| nothing                                               |

No answer is longer than its probe. What ike-scan has beyond: fingerprints by the pauses between
retransmissions (--showbackoff); as responder mainmode sends nothing unasked, so there are none.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.peers.ike_scan import Answer, ike_scan
from tests.peers.network import FIRST, SECOND, Host, captured, datagrams, two_hosts
from tests.peers.service import Service, Terms

pytestmark = pytest.mark.ike_scan

KEY = b"correct horse battery staple"
OFFERS = ("3des-sha1-group2", "des-md5-group1", "aes128-sha1-group14", "aes256-sha2-256-group19")
STRANGER = "192.0.2.3"
ENCRYPTION, HASH, AUTHENTICATION, GROUP, KEY_LENGTH = 1, 2, 3, 4, 14
DEAD_PEER_DETECTION = "afcad71368a1f1c96b8696fc77570100"


class Prober:
    """The host with ike-scan on it, and what it hears of mainmode."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.probes: list[bytes] = []
        """What the last scan sent; likewise `answers`."""
        self.answers: list[bytes] = []

    def scan(self, *options: str, source: str = SECOND) -> Answer:
        """No answer of mainmode is longer than the probe, whatever it is."""
        with captured(self.host) as frames:
            answer = ike_scan(self.host, FIRST, *options)
            seen = list(datagrams(frames()))
        self.probes = [octets for sender, octets in seen if sender == source]
        self.answers = [octets for sender, octets in seen if sender == FIRST]
        assert self.probes
        assert len(self.answers) <= len(self.probes)
        assert all(len(each) <= len(self.probes[0]) for each in self.answers)
        return answer


@contextmanager
def prober(*offers: str, explain: bool = False) -> Iterator[Prober]:
    terms = Terms(SECOND, offers, ("1s",), explain=explain)
    with two_hosts() as (here, there), Service(here, terms, key=KEY):
        yield Prober(there)


@pytest.fixture(scope="module")
def probing() -> Iterator[Prober]:
    """mainmode has all the offers."""
    with prober(*OFFERS) as ready:
        yield ready


def transform(**attributes: int) -> str:
    """As an option: the attributes by number, ike-scan's own form for any transform."""
    numbers = {
        "encryption": ENCRYPTION,
        "bits": KEY_LENGTH,
        "hash": HASH,
        "authentication": AUTHENTICATION,
        "group": GROUP,
    }
    values = ",".join(f"{numbers[name]}={value}" for name, value in attributes.items())
    return f"--trans=({values})"


TRIPLE_DES = transform(encryption=5, hash=2, authentication=1, group=2)
CERTIFICATES = transform(encryption=5, hash=2, authentication=3, group=2)

# --- main mode ------------------------------------------------------------------------------------


def test_its_default_transforms(probing: Prober) -> None:
    answer = probing.scan()
    assert answer.handshake == "Main Mode"
    assert answer.transform == {"Enc": "3DES", "Hash": "SHA1", "Auth": "PSK", "Group": "2"}
    assert DEAD_PEER_DETECTION in answer.vendor_ids
    assert answer.responder_cookie.strip("0")


@pytest.mark.parametrize(
    ("probe", "encryption", "hash_name", "group"),
    [
        (TRIPLE_DES, "3DES", "SHA1", "2"),
        (transform(encryption=1, hash=1, authentication=1, group=1), "DES", "MD5", "1"),
        (
            transform(encryption=7, bits=128, hash=2, authentication=1, group=14),
            "AES",
            "SHA1",
            "14",
        ),
        (
            transform(encryption=7, bits=256, hash=4, authentication=1, group=19),
            "AES",
            "SHA2-256",
            "19",
        ),
        ("--trans=5,2,1,2", "3DES", "SHA1", "2"),
    ],
)
def test_a_single_transform(
    probing: Prober, probe: str, encryption: str, hash_name: str, group: str
) -> None:
    """Short probes get the bare choice: vendor IDs would make the answer longer."""
    answer = probing.scan(probe)
    assert answer.handshake == "Main Mode"
    chosen = {each: answer.transform[each] for each in ("Enc", "Hash", "Group")}
    assert chosen == {"Enc": encryption, "Hash": hash_name, "Group": group}
    assert answer.vendor_ids == ()


def test_several_transforms_in_its_own_order(probing: Prober) -> None:
    first = transform(encryption=1, hash=1, authentication=1, group=1)
    assert probing.scan(first, TRIPLE_DES).transform["Enc"] == "DES"
    assert probing.scan(TRIPLE_DES, first).transform["Enc"] == "3DES"


@pytest.mark.parametrize("vendor_id", [DEAD_PEER_DETECTION, "00", "ab" * 100])
def test_with_a_vendor_id(probing: Prober, vendor_id: str) -> None:
    answer = probing.scan(f"--vendor={vendor_id}")
    assert answer.handshake == "Main Mode"


@pytest.mark.parametrize("lifetimes", [("none", "none"), ("28800", "none"), ("0x00007080", "4608")])
def test_with_other_lifetimes(probing: Prober, lifetimes: tuple[str, str]) -> None:
    seconds, kilobytes = lifetimes
    answer = probing.scan(f"--lifetime={seconds}", f"--lifesize={kilobytes}")
    assert answer.handshake == "Main Mode"


def test_from_port_4500(probing: Prober) -> None:
    """Behind the marker that tells IKE from ESP (RFC 3947), which it takes off the answer."""
    assert probing.scan("--nat-t").handshake == "Main Mode"


def test_a_repeated_probe_gets_the_same_answer(probing: Prober) -> None:
    """Its first one is lost on the way back."""
    table = "table inet lost { chain in { type filter hook input priority 0 ; RULE ; } ; }"
    rule = "udp sport 500 numgen inc mod 2 0 drop"
    probing.host.run(["nft", table.replace("RULE", rule)])
    try:
        answer = probing.scan()
    finally:
        probing.host.run(["nft", "delete table inet lost"])
    assert answer.handshake == "Main Mode"
    assert len(probing.probes) == 2
    assert len(set(probing.probes)) == 1
    assert len(probing.answers) == 2
    assert len(set(probing.answers)) == 1


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "probe", [transform(encryption=5, hash=1, authentication=1, group=2), CERTIFICATES]
)
def test_no_common_proposal(probing: Prober, probe: str) -> None:
    answer = probing.scan(probe)
    assert answer.notify == "NO-PROPOSAL-CHOSEN"
    assert not answer.handshake


def test_a_refusal_that_explains_is_read_too_and_is_no_longer_than_the_probe() -> None:
    """With the acceptable transform behind the notification, where there is room for it."""
    short = transform(encryption=1, hash=1, authentication=1, group=1)
    with prober("3des-sha1-group2", explain=True) as ready:
        assert ready.scan(short, CERTIFICATES).notify == "NO-PROPOSAL-CHOSEN"
        (explained,) = ready.answers
        assert ready.scan(short).notify == "NO-PROPOSAL-CHOSEN"
        (bare,) = ready.answers
    assert len(bare) < len(explained)


def test_another_domain_of_interpretation(probing: Prober) -> None:
    assert probing.scan("--doi=0").notify == "BAD-PROPOSAL-SYNTAX"


# --- no answer at all -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        ("--aggressive", "--id=somebody@example.org"),
        ("--aggressive", "--id=somebody", "--dhgroup=2", TRIPLE_DES),
        ("--exchange=32",),
        ("--exchange=5",),
        ("--ikev2",),
        ("--headerver=0x20",),
    ],
    ids=" ".join,
)
def test_no_answer(probing: Prober, options: tuple[str, ...]) -> None:
    assert not probing.scan(*options)
    assert probing.answers == []
    assert len(probing.probes) == 2, "it has tried again"


def test_no_answer_to_a_stranger(probing: Prober) -> None:
    """No rule is about that address."""
    probing.host.run(["ip", "address", "add", f"{STRANGER}/24", "dev", "wire"])
    probing.host.run(["ip", "route", "add", FIRST, "dev", "wire", "src", STRANGER])
    try:
        assert not probing.scan(source=STRANGER)
    finally:
        probing.host.run(["ip", "address", "del", f"{STRANGER}/24", "dev", "wire"])
    assert probing.answers == []
