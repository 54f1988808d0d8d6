"""Deletes that are acknowledged, between peers with Microsoft's vendor ID.

    #1   HDR*, HASH(1), Ni, D        -->
    #2                               <--    HDR*, HASH(2), Nr, D

    HASH(1) = prf(SKEYID_a, M-ID | Ni | D)
    HASH(2) = prf(SKEYID_a, Ni_b | M-ID | Nr | D)

Both carry the same message ID and the same delete; the second goes on in the IV chain of the first.
The sender repeats #1 after 1, 2, 4, 8, 16 and 16 s; whoever has answered answers a repetition with
the same octets. What is needed for that is kept here, for the SA itself may be what is deleted.

Other peers get the plain delete of RFC 2408, once.

Deletes overtake each other, and that of a main mode SA may come before those of pairs under it. So
a main mode SA that has ended still reads deletes, and nothing else, until all have been repeated.

Source: MS-IKEE 3.8, notes <23>, <24> and <26>. The IV of #2 is not documented; the rule of RFC 2409
appendix B for a second message is taken.
"""

from dataclasses import dataclass, field

from mainmode import limits
from mainmode.crypto.prf import Prf
from mainmode.engine import informational
from mainmode.engine.associations import MainModeSa
from mainmode.engine.desk import Desk
from mainmode.engine.envelope import Envelope, require_proof
from mainmode.engine.timers import Timer, TimerKind
from mainmode.errors import Malformed
from mainmode.failures import Inadmissible
from mainmode.ladder import Proof
from mainmode.model import Path
from mainmode.wire.header import HEADER_OCTETS, Cookies, Header
from mainmode.wire.message import Payloads, parse_payloads_untrusted
from mainmode.wire.payloads import Delete, Nonce, Payload

Key = tuple[bytes, bytes, int]
"""CKY-I, CKY-R, message ID."""


@dataclass(slots=True)
class _Sent:
    """A delete that is not acknowledged yet."""

    path: Path
    datagram: bytes
    envelope: Envelope
    acknowledged: Proof = field(repr=False)
    """HASH(2) of what follows it."""
    retries: int = 0


@dataclass(slots=True)
class _Answered:
    """A delete of the peer's, and what was said to it."""

    datagram: bytes
    reply: bytes
    replies: int = 0

    def may_repeat(self, datagram: bytes) -> bool:
        """Whether this asks for the same answer again; it gets a few."""
        self.replies += 1
        return datagram == self.datagram and self.replies <= limits.DUPLICATE_REPLIES_MAX


class ReliableDeletes:
    """Sends deletes until they are heard, and says what has been heard."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._sent: dict[Key, _Sent] = {}
        self._answered: dict[Key, _Answered] = {}
        self._departed: dict[Cookies, MainModeSa] = {}
        """Main mode SAs that have ended a moment ago."""

    def __len__(self) -> int:
        return len(self._sent) + len(self._answered) + len(self._departed)

    # --- ours -------------------------------------------------------------------------------

    def send(self, sa: MainModeSa, delete: Delete) -> None:
        """Tell the peer, in the form that it understands."""
        desk = self._desk
        if not sa.capabilities.microsoft:
            desk.send(sa.path, informational.protected(sa, delete, desk.entropy))
            return
        message_id = informational.fresh_message_id(sa, desk.entropy)
        key = (*sa.cookies, message_id)
        nonce = Nonce(desk.entropy(limits.NONCE_OCTETS))
        chain = informational.envelope(sa, message_id)
        proof = informational.first_proof(sa, message_id)
        datagram = informational.sealed(sa.cookies, message_id, chain, proof, [nonce, delete])
        acknowledged = _hash_2(sa, message_id, nonce.data)
        self._sent[key] = _Sent(sa.path, datagram, chain, acknowledged)
        desk.send(sa.path, datagram)
        self._arm(TimerKind.DELETE, key, limits.DELETE_RETRY_INTERVALS_S[0])

    def ring(self, key: Key) -> None:
        """No acknowledgement has come: say it again, or let it be."""
        self._answered.pop(key, None)
        sent = self._sent.get(key)
        if sent is None:
            return
        sent.retries += 1
        self._desk.send(sent.path, sent.datagram)
        if sent.retries < len(limits.DELETE_RETRY_INTERVALS_S):
            self._arm(TimerKind.DELETE, key, limits.DELETE_RETRY_INTERVALS_S[sent.retries])
        else:
            del self._sent[key]

    def heard(self, header: Header, datagram: bytes, path: Path) -> bool:
        """Whether a datagram belongs to a delete known here; if so, it is dealt with."""
        key = (header.cky_i, header.cky_r, header.message_id)
        answered, sent = self._answered.get(key), self._sent.get(key)
        if answered is None and sent is None:
            return False
        if sent is not None and sent.path == path:
            self._acknowledge(key, sent, header, datagram)
        elif answered is not None and answered.may_repeat(datagram):
            self._desk.send(path, answered.reply)
        else:
            self._desk.drop(path, datagram, "its message ID belongs to a delete")
        return True

    def _acknowledge(self, key: Key, sent: _Sent, header: Header, datagram: bytes) -> None:
        try:
            body = sent.envelope.open(datagram[HEADER_OCTETS : header.length])
            payloads = parse_payloads_untrusted(header.next_payload, body)
            require_proof(sent.acknowledged, body, payloads)
        except (Inadmissible, Malformed) as refused:
            self._desk.drop(sent.path, datagram, f"no acknowledgement of our delete: {refused}")
            return
        del self._sent[key]
        self._desk.timers.cancel(Timer(TimerKind.DELETE, key))

    # --- the peer's -------------------------------------------------------------------------

    def answer(self, sa: MainModeSa, header: Header, datagram: bytes, payloads: Payloads) -> None:
        """Acknowledge a delete that came with a nonce, and has been carried out."""
        nonces = payloads.all(Nonce)
        if len(nonces) != 1:
            return
        key = (header.cky_i, header.cky_r, header.message_id)
        chain = informational.envelope(sa, header.message_id)
        chain.accept(datagram[HEADER_OCTETS : header.length])
        said: list[Payload] = [
            Nonce(self._desk.entropy(limits.NONCE_OCTETS)),
            *payloads.all(Delete),
        ]
        proof = _hash_2(sa, header.message_id, nonces[0].data)
        reply = informational.sealed(sa.cookies, header.message_id, chain, proof, said)
        self._answered[key] = _Answered(datagram, reply)
        self._desk.send(sa.path, reply)
        self._arm(TimerKind.DELETE, key, limits.FINISHED_EXCHANGE_S)

    def remember(self, sa: MainModeSa) -> None:
        """A main mode SA has ended; what the peer has deleted under it may still be on its way."""
        self._departed[sa.cookies] = sa
        self._arm(TimerKind.DEPARTED, (*sa.cookies, 0), limits.FINISHED_EXCHANGE_S)

    def departed(self, cookies: Cookies) -> MainModeSa | None:
        """A main mode SA that reads deletes only, or None."""
        return self._departed.get(cookies)

    def forget(self, cookies: Cookies) -> None:
        """Nothing can be on its way any more."""
        self._departed.pop(cookies, None)

    def _arm(self, kind: TimerKind, key: Key, after_s: float) -> None:
        self._desk.timers.set(Timer(kind, key), self._desk.now + after_s)


def _hash_2(sa: MainModeSa, message_id: int, ni_b: bytes) -> Proof:
    prf_a = Prf(sa.offer.hash, sa.keys.skeyid_a)
    return lambda rest: prf_a(ni_b + message_id.to_bytes(4) + rest)
