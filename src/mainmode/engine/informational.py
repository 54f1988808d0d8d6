"""The informational exchange: one message, one payload (RFC 2409 5.7).

Under a main mode SA:   HDR*, HASH(1), N/D
Before there is one:    HDR, N             (anybody can forge it)

Each protected message has a message ID and an IV of its own; it never touches another chain. One
payload a message, since racoon's check of the HASH covers only the first.
"""

from collections.abc import Sequence
from typing import Protocol

from mainmode.crypto.keys import MainModeKeys, hash_1, phase2_iv
from mainmode.crypto.prf import Prf
from mainmode.engine.associations import MainModeSa
from mainmode.engine.desk import Entropy
from mainmode.engine.envelope import Envelope, require_proof, with_proof
from mainmode.errors import Malformed
from mainmode.failures import Failure, Inadmissible, Reason
from mainmode.ladder import Proof
from mainmode.numbers import (
    Doi,
    ExchangeType,
    HeaderFlag,
    NotifyType,
    PayloadType,
    ProtocolId,
    name_of,
)
from mainmode.policy.model import MainModeOffer
from mainmode.wire.header import HEADER_OCTETS, Cookies, Header
from mainmode.wire.message import Payloads, encode_payloads, parse_payloads_untrusted
from mainmode.wire.payloads import Delete, Notification, Payload

_SAYS = frozenset({PayloadType.NOTIFICATION, PayloadType.DELETE})
_MAY_HOLD = _SAYS | {PayloadType.HASH, PayloadType.NONCE, PayloadType.VENDOR_ID}
"""The nonce stands in Microsoft's reliable delete (MS-IKEE 3.8.4.1)."""

IN_CLEAR_OCTETS = HEADER_OCTETS + 12
"""Length of a notification in clear without data."""


def room_for_data(sa: MainModeSa, octets_max: int) -> int:
    """How much data a `refusal` of at most `octets_max` holds; may be < 0."""
    block = sa.offer.cipher.block_octets
    sealed = (octets_max - HEADER_OCTETS) // block * block
    return sealed - (4 + sa.offer.hash.octets) - 12 - 4


def fresh_message_id(sa: MainModeSa, entropy: Entropy) -> int:
    """A message ID never used under this SA, and not zero (RFC 2408 3.1)."""
    while True:
        message_id = int.from_bytes(entropy(4))
        if message_id and message_id not in sa.used_message_ids:
            sa.use(message_id)
            return message_id


def protected(sa: MainModeSa, payload: Payload, entropy: Entropy) -> bytes:
    """HDR*, HASH(1), payload."""
    message_id = fresh_message_id(sa, entropy)
    proof = first_proof(sa, message_id)
    return sealed(sa.cookies, message_id, envelope(sa, message_id), proof, [payload])


def sealed(
    cookies: Cookies, message_id: int, chain: Envelope, proof: Proof, payloads: Sequence[Payload]
) -> bytes:
    """HDR*, HASH, payloads: one message of an informational exchange, whose chain moves on."""
    first, body = with_proof(proof, payloads)
    ciphertext = chain.seal(body)
    header = Header(
        *cookies,
        first,
        ExchangeType.INFORMATIONAL,
        HeaderFlag.ENCRYPTION,
        message_id,
        HEADER_OCTETS + len(ciphertext),
    )
    return header.encode() + ciphertext


class Keyed(Protocol):
    """What opens a protected message: a main mode SA, or what is to become one."""

    @property
    def offer(self) -> MainModeOffer: ...
    @property
    def keys(self) -> MainModeKeys: ...
    @property
    def cipher_key(self) -> bytes: ...
    @property
    def last_block(self) -> bytes: ...


def opened(sa: Keyed, header: Header, datagram: bytes) -> Payloads:
    """The payloads of a protected message, HASH(1) checked. Raises Inadmissible.

    HASH(1) is the same formula in quick mode: a stranger can pass that off as one of these, or
    these as that, so what else a message holds must fit too.
    """
    body = envelope(sa, header.message_id).open(datagram[HEADER_OCTETS : header.length])
    try:
        payloads = parse_payloads_untrusted(header.next_payload, body)
    except Malformed as malformed:
        raise Inadmissible(Failure(Reason.MALFORMED, detail=str(malformed))) from malformed
    if not _SAYS.intersection(payloads.kinds) or not _MAY_HOLD.issuperset(payloads.kinds):
        detail = "it does not hold what informational messages hold"
        raise Inadmissible(Failure(Reason.MALFORMED, detail=detail))
    require_proof(first_proof(sa, header.message_id), body, payloads)
    return payloads


def first_proof(sa: Keyed, message_id: int) -> Proof:
    """HASH(1) of what follows it."""
    prf_a = Prf(sa.offer.hash, sa.keys.skeyid_a)
    return lambda rest: hash_1(prf_a, message_id, rest)


def envelope(sa: Keyed, message_id: int) -> Envelope:
    """For one informational exchange: its IV starts from main mode's last block."""
    offer = sa.offer
    iv = phase2_iv(offer.hash, offer.cipher, sa.last_block, message_id)
    return Envelope(offer.cipher, sa.cipher_key, iv)


def in_clear(
    cky_i: bytes, cky_r: bytes, notify: NotifyType, entropy: Entropy, data: bytes, octets_max: int
) -> bytes:
    """HDR, N toward somebody who has proved nothing; empty when it would exceed `octets_max`.

    `data` is left out first when it does not fit.
    """
    for content in (data, b""):
        notification = Notification(Doi.IPSEC, ProtocolId.ISAKMP, notify, b"", content)
        body = encode_payloads([notification])
        length = HEADER_OCTETS + len(body)
        if length <= octets_max:
            header = Header(
                cky_i,
                cky_r,
                PayloadType.NOTIFICATION,
                ExchangeType.INFORMATIONAL,
                0,
                int.from_bytes(entropy(4)),
                length,
            )
            return header.encode() + body
    return b""


# --- payloads -----------------------------------------------------------------------------------


def delete_main_mode(sa: MainModeSa) -> Delete:
    """Tells the peer to let no more quick modes come from this main mode SA."""
    return Delete(Doi.IPSEC, ProtocolId.ISAKMP, (b"".join(sa.cookies),))


def delete_spi(protocol: ProtocolId, spi: int) -> Delete:
    """Names our inbound SPI, the one the peer sends to; its pair is gone here."""
    return Delete(Doi.IPSEC, protocol, (spi.to_bytes(4),))


def probe(sa: MainModeSa, number: int) -> Notification:
    """R-U-THERE (RFC 3706 5.3)."""
    spi, data = b"".join(sa.cookies), number.to_bytes(4)
    return Notification(Doi.IPSEC, ProtocolId.ISAKMP, NotifyType.R_U_THERE, spi, data)


def alive(probe: Notification) -> Notification:
    """The answer to R-U-THERE: its cookies and its number, as they came (RFC 3706 5.4)."""
    return Notification(
        Doi.IPSEC, ProtocolId.ISAKMP, NotifyType.R_U_THERE_ACK, probe.spi, probe.data
    )


def refusal(
    notify: NotifyType, protocol: ProtocolId, spi: int, alternatives: bytes
) -> Notification:
    """Why a quick mode was refused, with what would have been accepted. spi: its receiver's, who
    knows by it which quick mode is meant (RFC 2408 3.14)."""
    return Notification(Doi.IPSEC, protocol, notify, spi.to_bytes(4), alternatives)


def notify_name(notification: Notification) -> str:
    return name_of(NotifyType, notification.notify)
