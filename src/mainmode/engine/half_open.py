"""Main modes whose initiator has not yet returned our cookie: the attack surface.

Until then an initiator costs no Diffie-Hellman, gets nothing longer than what it sent, and leaves
a small record that expires. The record stays until then, even when main mode goes on or ends: by it
a message 1 that comes again is known. It counts toward the bounds as long as main mode is not over.

Messages 1 and 2 of main mode as responder:

   1    HDR, SA                 -->
   2                            <--    HDR, SA

Source: RFC 2408 2.5.3 (cookies), MS-IKEE 3.9 and note <29> (the bound for one address).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256

from mainmode import limits
from mainmode.engine.desk import Desk
from mainmode.engine.events import FloodSuspected, MessageReceived, MessageSent
from mainmode.engine.timers import Timer, TimerKind
from mainmode.engine.vendor_ids import Capabilities
from mainmode.ladder import MM1, MM2
from mainmode.model import IpAddress, Path
from mainmode.numbers import Doi, ExchangeType, Situation
from mainmode.policy.model import MainModeSettings
from mainmode.policy.offers import MainModeChoice, choose_main_mode
from mainmode.policy.selection import PeerTerms
from mainmode.wire.header import HEADER_OCTETS, Cookies, Header
from mainmode.wire.message import Payloads, encode_payloads
from mainmode.wire.payloads import Payload, SaPayload, VendorId, short_name

_SAID = SaPayload(Doi.IPSEC, Situation.IDENTITY_ONLY, ())
"""In place of an answer that has left: `sent` has its octets."""


@dataclass(slots=True)
class HalfOpen:
    """All that is kept of an initiator that has sent message 1."""

    cookies: Cookies
    path: Path
    choice: MainModeChoice
    sai_b: bytes
    """Body of its SA payload: HASH_I and HASH_R are over it."""
    capabilities: Capabilities
    fingerprint: bytes
    """Of message 1."""
    sent: bytes
    since: float
    replies: int = 0
    continued: bool = False
    """Its initiator has returned our cookie: main mode goes on in an exchange."""
    over: bool = False
    """Main mode has succeeded or failed."""


class HalfOpenMainModes:
    """The table of them, with its bounds."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._by_cookies: dict[Cookies, HalfOpen] = {}
        self._by_initiator: dict[tuple[Path, bytes], tuple[HalfOpen, ...]] = {}
        """Nearly always one; of several all but one hold what somebody has made of message 1."""
        self._per_address: dict[IpAddress, int] = {}
        """How many are not over; of each address that has any."""
        self._count = 0
        self._refused: dict[tuple[Path, bytes], None] = {}
        """The offers refused last, oldest first: who repeats itself is not news."""

    def __len__(self) -> int:
        """How many are not over."""
        return self._count

    def __iter__(self) -> Iterator[HalfOpen]:
        return iter(self._by_cookies.values())

    def find(self, cookies: Cookies) -> HalfOpen | None:
        return self._by_cookies.get(cookies)

    def known(self, datagram: bytes, header: Header, path: Path) -> bool:
        """Whether this initiator needs no answer to this any more, or has got one before; then the
        datagram is dealt with. Another message 1 under its cookie may be the true one, and the
        first was spoilt on its way: as long as the initiator has not gone on it gets an answer of
        its own."""
        answered = self._by_initiator.get((path, header.cky_i))
        if answered is None:
            return False
        fingerprint = _fingerprint(datagram)
        half_open = next((each for each in answered if each.fingerprint == fingerprint), None)
        continued = any(each.continued for each in answered)
        if half_open is None and not continued:
            return False
        if half_open is None:
            self._desk.drop(path, datagram, "another message 1 under a cookie that has gone on")
        elif continued or half_open.replies >= limits.DUPLICATE_REPLIES_MAX:
            self._desk.drop(path, datagram, "a duplicate")
        else:
            half_open.replies += 1
            self._desk.send(path, half_open.sent)
        return True

    def refused_before(self, path: Path, cky_i: bytes) -> bool:
        """Whether this offer was refused a moment ago; from now on it was."""
        key = (path, cky_i)
        if key in self._refused:
            return True
        if len(self._refused) >= limits.REFUSALS_REMEMBERED_MAX:
            del self._refused[next(iter(self._refused))]
        self._refused[key] = None
        return False

    def has_room(self, datagram: bytes, path: Path) -> bool:
        """Whether one more from this address is within the bounds."""
        address = path.peer.address
        if self._per_address.get(address, 0) >= limits.HALF_OPEN_PER_ADDRESS_MAX:
            why = f"{limits.HALF_OPEN_PER_ADDRESS_MAX} half-open main modes from one address"
        elif self._count >= limits.HALF_OPEN_MAX:
            why = f"{limits.HALF_OPEN_MAX} half-open main modes"
        else:
            return True
        self._desk.record(FloodSuspected(path, why))
        return False

    def answer(
        self,
        datagram: bytes,
        header: Header,
        payloads: Payloads,
        path: Path,
        terms: PeerTerms,
        settings: MainModeSettings,
        capabilities: Capabilities,
        vendor_ids: list[VendorId],
    ) -> HalfOpen:
        """Choose one of the offers and say so. Raises Refused."""
        offer = payloads.one(SaPayload)
        choice = choose_main_mode(
            offer, settings.offers, terms.authentications, settings.lifetime_s
        )
        cookies = (header.cky_i, self._cookie(header.cky_i))
        reply = self._reply(cookies, [choice.answer, *vendor_ids], len(datagram))
        half_open = HalfOpen(
            cookies,
            path,
            replace(choice, answer=_SAID),
            offer.body(),
            capabilities,
            _fingerprint(datagram),
            reply[0],
            self._desk.now,
        )
        self._add(half_open)
        names = ("HDR", *(short_name(payload) for payload in payloads.items))
        self._desk.record(MessageReceived(path, header.cky_i, MM1.name, names, len(datagram)))
        self._desk.send(path, half_open.sent)
        self._desk.record(
            MessageSent(path, header.cky_i, MM2.name, ("HDR", *reply[1]), len(half_open.sent))
        )
        return half_open

    def end(self, cookies: Cookies) -> None:
        """Main mode is over: it does not count any more. Nothing happens to other cookies."""
        half_open = self._by_cookies.get(cookies)
        if half_open is None or half_open.over:
            return
        half_open.over = True
        self._count -= 1
        address = half_open.path.peer.address
        self._per_address[address] -= 1
        if not self._per_address[address]:
            del self._per_address[address]

    def expire(self, cookies: Cookies) -> None:
        """Its time is up: forget message 1."""
        self.end(cookies)
        half_open = self._by_cookies.pop(cookies, None)
        if half_open is not None:
            initiator = half_open.path, cookies[0]
            others = tuple(each for each in self._by_initiator[initiator] if each is not half_open)
            if others:
                self._by_initiator[initiator] = others
            else:
                del self._by_initiator[initiator]
            self._desk.timers.cancel(Timer(TimerKind.HALF_OPEN, (*cookies, 0)))

    def _add(self, half_open: HalfOpen) -> None:
        self._by_cookies[half_open.cookies] = half_open
        initiator = half_open.path, half_open.cookies[0]
        self._by_initiator[initiator] = (*self._by_initiator.get(initiator, ()), half_open)
        self._count += 1
        address = half_open.path.peer.address
        self._per_address[address] = self._per_address.get(address, 0) + 1
        timer = Timer(TimerKind.HALF_OPEN, (*half_open.cookies, 0))
        self._desk.timers.set(timer, self._desk.now + limits.HALF_OPEN_S)

    def _cookie(self, cky_i: bytes) -> bytes:
        """A responder cookie that is not zero and not in use with this initiator cookie."""
        while True:
            cky_r = self._desk.entropy(limits.COOKIE_OCTETS)
            if any(cky_r) and (cky_i, cky_r) not in self._by_cookies:
                return cky_r

    def _reply(
        self, cookies: Cookies, payloads: list[Payload], octets_max: int
    ) -> tuple[bytes, list[str]]:
        """Message 2, without the vendor IDs that would make it longer than message 1. The bare
        choice never is: it is a part of message 1."""
        body = encode_payloads(payloads)
        while HEADER_OCTETS + len(body) > octets_max and len(payloads) > 1:
            payloads = payloads[:-1]
            body = encode_payloads(payloads)
        header = Header(
            *cookies, payloads[0].kind, ExchangeType.MAIN, 0, 0, HEADER_OCTETS + len(body)
        )
        return header.encode() + body, [short_name(payload) for payload in payloads]


def _fingerprint(datagram: bytes) -> bytes:
    return sha256(datagram).digest()
