"""What does not fit a rung is dropped, changes nothing, and the negotiation goes on."""

from collections.abc import Iterator
from dataclasses import replace
from struct import pack_into

import pytest

from mainmode.engine.events import (
    DatagramDropped,
    InvalidCookies,
    MainModeEstablished,
    MessageReceived,
    NegotiationFailed,
    QuickModeEstablished,
    Suspicion,
)
from mainmode.engine.vendor_ids import MAINMODE
from mainmode.numbers import HeaderFlag, PayloadType
from mainmode.testing.samples import MAIN_MODE_OFFER
from mainmode.wire.header import HEADER_OCTETS
from mainmode.wire.payloads import (
    Certificate,
    Delete,
    Hash,
    Identification,
    KeyExchange,
    Nonce,
    Payload,
    Signature,
    UnknownPayload,
    VendorId,
)
from tests.engine.rungs import RUNGS, Rung, facing, rung
from tests.engine.scene import failures, header, path, state

EVERY_RUNG = pytest.mark.parametrize("name", RUNGS)
ENCRYPTED = [name for name in RUNGS if name not in [f"main_mode_{n}" for n in (1, 2, 3, 4)]]


def require_unmoved(standing: Rung, datagram: bytes, what: str = "") -> None:
    """This datagram changes nothing, ends nothing and gets no answer longer than itself."""
    host = standing.host
    before, events = state(host), len(host.events)
    replies = standing.puppet.hears(datagram)
    assert state(host) == before, what
    assert all(len(reply) <= len(datagram) for reply in replies), what
    assert len(host.events) > events, "nothing is dropped in silence"
    for event in host.events[events:]:
        assert isinstance(event, DatagramDropped | InvalidCookies | Suspicion | NegotiationFailed)
    if standing.name != "main mode message 1":
        assert failures(host) == [], what


def require_admitted(standing: Rung) -> None:
    """The right message is still what the rung waits for, and all ends well."""
    host = standing.host
    replies = standing.puppet.hears(standing.datagram)
    assert standing.name in [event.step for event in host.of(MessageReceived)]
    standing.finish(replies)
    goal = MainModeEstablished if standing.name.startswith("main") else QuickModeEstablished
    assert len(host.of(goal)) == 1


@EVERY_RUNG
def test_the_right_message_is_admitted(name: str) -> None:
    require_admitted(rung(name))


@EVERY_RUNG
@pytest.mark.parametrize("offer", ["des-md5-group1", "aes256-sha2-256-group19"])
def test_with_other_algorithms_too(name: str, offer: str) -> None:
    require_admitted(rung(name, offer))


# --- other payloads -------------------------------------------------------------------------------

STRANGERS: list[Payload] = [
    KeyExchange(bytes(128)),
    Identification(1, 0, 0, bytes(4)),
    Certificate(4, b"no certificate"),
    Hash(bytes(20)),
    Signature(bytes(128)),
    Nonce(bytes(20)),
    Delete(1, 3, (bytes(4),)),
    UnknownPayload(15, b"saved for something"),
    UnknownPayload(33, b"IKEv2's SA"),
    UnknownPayload(46, b"IKEv2's encrypted payload"),
    UnknownPayload(200, b"private"),
]


def wrong_payload_sets(standing: Rung) -> Iterator[tuple[str, list[Payload]]]:
    """Every payload missing, every one twice, each stranger added, and the wrong one first."""
    right = standing.payloads
    kinds = [type(each) for each in right]
    for number, each in enumerate(right):
        if kinds.count(type(each)) == 1 and standing.name != "quick mode message 4":
            yield f"without {type(each).__name__}", right[:number] + right[number + 1 :]
            yield f"{type(each).__name__} twice", [*right, each]
        elif isinstance(each, Identification):
            yield "one identity alone", right[:number] + right[number + 1 :]
            yield "three identities", [*right, each]
    for stranger in STRANGERS:
        if type(stranger) not in kinds and not tolerated(standing, stranger):
            yield f"with {stranger}", [*right, stranger]
    if standing.name in ("main mode message 1", "main mode message 2"):
        yield "SA not first", [UnknownPayload(PayloadType.VENDOR_ID, b"me first"), *right]


def tolerated(standing: Rung, stranger: Payload) -> bool:
    """A KE payload in quick mode is a matter of the offer, a certificate in main mode harmless."""
    quick = standing.name in ("quick mode message 1", "quick mode message 2")
    proof = standing.name in ("main mode message 5", "main mode message 6")
    return (quick and isinstance(stranger, KeyExchange)) or (
        proof and isinstance(stranger, Certificate)
    )


@EVERY_RUNG
def test_another_payload_set_is_dropped_even_under_the_right_hash(name: str) -> None:
    standing = rung(name)
    for what, payloads in wrong_payload_sets(standing):
        require_unmoved(standing, standing.wrap(payloads), what)
    require_admitted(standing)


@EVERY_RUNG
def test_no_payload_at_all_is_dropped(name: str) -> None:
    standing = rung(name)
    empty = bytearray(standing.datagram)
    empty[16] = PayloadType.NONE
    require_unmoved(standing, bytes(empty))
    require_unmoved(standing, with_length(bytes(empty[:HEADER_OCTETS])))
    require_admitted(standing)


# --- octets ---------------------------------------------------------------------------------------


@EVERY_RUNG
def test_noise_under_the_right_header_is_dropped(name: str) -> None:
    standing = rung(name)
    chance = standing.puppet.random
    for octets in (0, 1, 7, 8, 16, 40, 200, 1024):
        body = chance.randbytes(octets)
        require_unmoved(standing, with_length(standing.datagram[:HEADER_OCTETS] + body))
    require_admitted(standing)


@EVERY_RUNG
def test_every_truncation_is_dropped(name: str) -> None:
    """With the header's length as it was, and with it repaired."""
    standing = rung(name)
    right = standing.datagram
    for octets in range(len(right)):
        require_unmoved(standing, right[:octets], f"{octets} octets")
        if octets >= HEADER_OCTETS:
            require_unmoved(standing, with_length(right[:octets]), f"{octets} octets, repaired")
    require_admitted(standing)


@pytest.mark.parametrize("name", ENCRYPTED)
@pytest.mark.parametrize("offer", ["des-md5-group1", MAIN_MODE_OFFER, "aes128-sha1-group2"])
def test_a_flipped_bit_in_any_block_is_noticed(name: str, offer: str) -> None:
    """Padding aside: what stands after the last payload means nothing and is not covered."""
    standing = rung(name, offer)
    right = standing.datagram
    octets = standing.puppet.offer.cipher.block_octets
    for start in range(HEADER_OCTETS, len(right) - octets, octets):
        flipped = bytearray(right)
        flipped[start + start % octets] ^= 1 << start % 8
        require_unmoved(standing, bytes(flipped), f"block at {start}")
    require_admitted(standing)


@pytest.mark.parametrize("name", ENCRYPTED)
def test_blocks_behind_the_padding_are_noticed(name: str) -> None:
    """Nothing covers them, and the next message would be read with their last one as its IV."""
    standing = rung(name)
    octets = standing.puppet.offer.cipher.block_octets
    for blocks in (2, 3, 20):
        longer = with_length(standing.datagram + bytes(blocks * octets))
        require_unmoved(standing, longer, f"{blocks} blocks more")
    require_admitted(standing)


# A message that needs no padding: message 6 with MD5, in blocks of 8 octets, message 5 likewise.
UNPADDED = pytest.mark.parametrize("name", ["main_mode_5", "main_mode_6"])


def with_block(standing: Rung, plaintext: bytes) -> bytes:
    """The rung's message and one block more, which decrypts to this."""
    right, puppet = standing.datagram, standing.puppet
    return with_length(right + puppet.encrypt(puppet.block(right), plaintext))


@UNPADDED
def test_a_strangers_block_is_no_padding(name: str) -> None:
    """As padding it would be of zeros, or say its length; his decrypts to noise."""
    standing = rung(name, "des-md5-group1")
    for plaintext in (b"noise!!\0", b"noise!!\6", b"noise!!\11", bytes(7) + b"\1"):
        require_unmoved(standing, with_block(standing, plaintext), plaintext.hex())
    require_admitted(standing)


@pytest.mark.parametrize("padding", [bytes(8), b"racoon!\7", b"racoon!\10", bytes(7) + b"\7"])
@UNPADDED
def test_a_whole_block_of_padding_is_taken(name: str, padding: bytes) -> None:
    """As strongSwan makes it, and racoon with each of its settings. The chain goes on from it."""
    standing = rung(name, "des-md5-group1")
    puppet, longer = standing.puppet, with_block(standing, padding)
    replies = puppet.hears(longer)
    puppet.last_block = puppet.block(longer)
    if name == "main_mode_5":
        puppet.read(replies[0])
        puppet.require_proof()
    [sa] = standing.host.engine.main_mode_sas()
    assert sa.last_block == puppet.last_block


def test_a_peer_of_our_own_kind_pads_with_zeros() -> None:
    puppet = facing("des-md5-group1")
    puppet.offers(puppet.proposal(), VendorId(MAINMODE))
    puppet.exchanges_keys()
    iv = puppet.last_block

    def wrap(payloads: list[Payload]) -> bytes:
        return puppet.sealed(payloads, iv)

    def finish(replies: list[bytes]) -> None:
        puppet.last_block = puppet.block(standing.datagram)
        puppet.read(replies[0])
        puppet.require_proof()

    standing = Rung("main mode message 5", puppet, puppet.proof(), wrap, finish, iv)
    require_unmoved(standing, with_block(standing, b"racoon!\7"))
    require_admitted(standing)


@pytest.mark.parametrize("name", ENCRYPTED)
def test_a_hash_of_any_other_length_or_value_is_refused(name: str) -> None:
    standing = rung(name)
    octets = standing.puppet.offer.hash.octets
    right = digest_of(standing)
    wrong = [b"", right[:1], right[:-1], right + b"\0", right * 2, bytes(octets)]
    wrong += [bytes((right[0] ^ 1, *right[1:])), bytes((*right[:-1], right[-1] ^ 0x80))]
    for digest in wrong:
        require_unmoved(standing, standing.wrap(with_digest(standing, digest)), digest.hex())
    require_admitted(standing)


# --- headers --------------------------------------------------------------------------------------


@EVERY_RUNG
def test_another_exchange_type_is_dropped(name: str) -> None:
    standing = rung(name)
    for exchange in range(256):
        if exchange != header(standing.datagram).exchange:
            require_unmoved(standing, with_octet(standing.datagram, 18, exchange), str(exchange))
    require_admitted(standing)


@EVERY_RUNG
def test_every_other_version_is_dropped(name: str) -> None:
    standing = rung(name)
    for version in range(256):
        if version != 0x10:
            require_unmoved(standing, with_octet(standing.datagram, 17, version), str(version))
    require_admitted(standing)


@EVERY_RUNG
def test_clear_instead_of_encrypted_and_the_other_way_round_is_dropped(name: str) -> None:
    standing = rung(name)
    flags = header(standing.datagram).flags ^ HeaderFlag.ENCRYPTION
    require_unmoved(standing, with_octet(standing.datagram, 19, flags))
    require_admitted(standing)


@pytest.mark.parametrize("name", ENCRYPTED)
def test_the_right_payloads_in_clear_are_dropped(name: str) -> None:
    """Proof and all, as some gateways once sent it."""
    standing = rung(name)
    right = header(standing.datagram)
    payloads = with_digest(standing, digest_of(standing))
    clear = standing.puppet.clear(payloads, right.exchange, message_id=right.message_id)
    require_unmoved(standing, clear)
    require_admitted(standing)


@EVERY_RUNG
def test_another_message_id_is_dropped(name: str) -> None:
    standing = rung(name)
    right = header(standing.datagram).message_id
    for message_id in {0, 1, right ^ 1, 0xFFFFFFFF} - {right}:
        changed = bytearray(standing.datagram)
        pack_into("!I", changed, 20, message_id)
        require_unmoved(standing, bytes(changed), str(message_id))
    require_admitted(standing)


@EVERY_RUNG
def test_other_cookies_are_dropped(name: str) -> None:
    """But each side chooses its own cookie freely, in message 1 and in message 2."""
    standing = rung(name)
    free = {"main_mode_1": range(8), "main_mode_2": range(8, 16)}.get(name, range(0))
    for at in set(range(16)) - set(free):
        changed = with_octet(standing.datagram, at, standing.datagram[at] ^ 0x40)
        require_unmoved(standing, changed, str(at))
    require_unmoved(standing, bytes(8) + standing.datagram[8:], "no initiator cookie")
    require_admitted(standing)


@pytest.mark.parametrize("name", [name for name in RUNGS if name != "main_mode_1"])
def test_another_address_or_port_is_dropped(name: str) -> None:
    standing = rung(name)
    right = standing.puppet.path
    for wrong in (
        path("192.0.2.1", "192.0.2.67"),
        path("192.0.2.1", "192.0.2.66", peer_port=4500),
        path("192.0.2.1", "192.0.2.66", local_port=4500, peer_port=4500),
        path("192.0.2.9", "192.0.2.66"),
    ):
        before = state(standing.host)
        standing.puppet.path = wrong
        assert standing.puppet.hears(standing.datagram) == []
        assert state(standing.host) == before
    standing.puppet.path = right
    require_admitted(standing)


@EVERY_RUNG
def test_reserved_flags_and_surplus_octets_do_no_harm(name: str) -> None:
    """Unknown flags are ignored, and so is what stands beyond the header's length."""
    standing = rung(name)
    flags = header(standing.datagram).flags
    odd = with_octet(standing.datagram, 19, flags | 0xF8) + bytes(16)
    replies = standing.puppet.hears(odd)
    assert standing.name in [event.step for event in standing.host.of(MessageReceived)]
    standing.finish(replies)


# --- words ----------------------------------------------------------------------------------------


def with_octet(datagram: bytes, at: int, value: int) -> bytes:
    return datagram[:at] + bytes((value,)) + datagram[at + 1 :]


def with_length(datagram: bytes) -> bytes:
    """With the header's length repaired."""
    return datagram[:24] + len(datagram).to_bytes(4) + datagram[28:]


def digest_of(standing: Rung) -> bytes:
    """The right HASH of a rung's message."""
    return standing.puppet.opened(standing.datagram, standing.iv).one(Hash).data


def with_digest(standing: Rung, digest: bytes) -> list[Payload]:
    """The rung's payloads under this HASH."""
    if any(isinstance(each, Hash) for each in standing.payloads):
        return [
            replace(each, data=digest) if isinstance(each, Hash) else each
            for each in standing.payloads
        ]
    return [Hash(digest), *standing.payloads]
