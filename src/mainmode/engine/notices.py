"""What informational messages say: notifications and deletes from the peer.

Under a main mode SA they count. In clear anybody can send them: they are kept as evidence of the
negotiation they claim to be about and change nothing.
"""

from mainmode.engine import informational
from mainmode.engine.associations import Associations, MainModeSa
from mainmode.engine.desk import Desk
from mainmode.engine.doubts import Doubts
from mainmode.engine.endings import Endings
from mainmode.engine.events import NotificationReceived
from mainmode.engine.exchange import Exchange
from mainmode.engine.fallback import Fallback
from mainmode.engine.informational import notify_name
from mainmode.engine.negotiations import Negotiations
from mainmode.engine.quick_mode import QuickMode
from mainmode.errors import Malformed
from mainmode.failures import Failure, Inadmissible, Reason, Side
from mainmode.ladder import MM2, MM6, QM2, QM3
from mainmode.model import Path
from mainmode.numbers import NOTIFY_ERROR_MAX, NotifyType, PayloadType
from mainmode.policy.offers import describe_sa, read_alternatives_untrusted
from mainmode.wire.header import HEADER_OCTETS, Header
from mainmode.wire.message import parse_payloads_untrusted
from mainmode.wire.payloads import Delete, Notification
from mainmode.wire.proposals import SPI_OCTETS

_MEANING = {
    NotifyType.NO_PROPOSAL_CHOSEN: Reason.NO_COMMON_PROPOSAL,
    NotifyType.BAD_PROPOSAL_SYNTAX: Reason.BAD_PROPOSAL,
    NotifyType.INVALID_ID_INFORMATION: Reason.NOT_AUTHORISED,
    NotifyType.AUTHENTICATION_FAILED: Reason.WRONG_KEY,
    NotifyType.INVALID_HASH_INFORMATION: Reason.WRONG_KEY,
    NotifyType.INVALID_KEY_INFORMATION: Reason.BAD_PUBLIC_VALUE,
    NotifyType.UNSUPPORTED_EXCHANGE_TYPE: Reason.UNSUPPORTED_EXCHANGE,
    NotifyType.INVALID_COOKIE: Reason.MAIN_MODE_USED_UP,
}
"""What an error notification says went wrong; the others: the peer refused."""

_OF_IDENTITY = (NotifyType.AUTHENTICATION_FAILED, NotifyType.INVALID_ID_INFORMATION)
"""What a responder says that could read our proof and does not want who we are."""


_FORGETFUL = (NotifyType.INVALID_SPI, NotifyType.INVALID_COOKIE)
"""What a peer says that has lost an SA."""


class Notices:
    """Reads informational messages."""

    def __init__(
        self,
        desk: Desk,
        associations: Associations,
        negotiations: Negotiations,
        endings: Endings,
        fallback: Fallback,
        doubts: Doubts,
    ) -> None:
        self._desk = desk
        self._associations = associations
        self._negotiations = negotiations
        self._endings = endings
        self._fallback = fallback
        self._doubts = doubts

    def receive(self, header: Header, datagram: bytes, path: Path) -> None:
        """An informational message, protected or not."""
        if header.encrypted:
            self._protected(header, datagram, path)
        else:
            self._in_clear(header, datagram, path)

    # --- under a main mode SA ---------------------------------------------------------------

    def _protected(self, header: Header, datagram: bytes, path: Path) -> None:
        if self._endings.reliable.heard(header, datagram, path):
            return
        cookies = header.cky_i, header.cky_r
        standing = self._associations.main_modes.get(cookies)
        sa = standing or self._endings.reliable.departed(cookies)
        if sa is None:
            self._before_main_mode(header, datagram, path)
            return
        if not header.message_id or header.message_id in sa.used_message_ids or path != sa.path:
            self._desk.drop(
                path, datagram, "its message ID or address does not fit the main mode SA"
            )
            return
        try:
            payloads = informational.opened(sa, header, datagram)
        except Inadmissible as inadmissible:
            self._desk.drop(path, datagram, inadmissible.failure.sentence)
            return
        if standing is None and not payloads.has(PayloadType.DELETE):
            self._desk.drop(path, datagram, "its main mode SA has ended")
            return
        sa.use(header.message_id)
        sa.heard_at = self._desk.now
        for payload in payloads.items:
            if isinstance(payload, Delete):
                self._taken_back(sa, payload)
                self._endings.deleted_by_peer(sa, payload)
            elif isinstance(payload, Notification) and standing is not None:
                self._notified(sa, payload)
        if payloads.has(PayloadType.DELETE):
            self._endings.reliable.answer(sa, header, datagram, payloads)

    def _before_main_mode(self, header: Header, datagram: bytes, path: Path) -> None:
        """Protected, but no main mode SA stands: the responder may refuse our proof. What opens
        under the keys of that main mode is its word and ends it; what does not is a sign that
        the keys differ."""
        about = self._about(header, path)
        provisional = about[0].provisional() if about else None
        if provisional is None:
            self._desk.drop_unknown(path, datagram, "informational")
            return
        try:
            payloads = informational.opened(provisional, header, datagram)
        except Inadmissible:
            detail = "the peer answers with an encrypted notification that does not open here"
            about[0].note(Failure(Reason.WRONG_KEY, Side.PEER, detail=detail))
            return
        for notification in payloads.all(Notification):
            self._record(path, notification, authenticated=True)
            if notification.notify <= NOTIFY_ERROR_MAX:
                known = notification.notify in _OF_IDENTITY
                reason = Reason.IDENTITY_MISMATCH if known else Reason.PEER_REFUSED
                detail = f"the peer says {notify_name(notification)}"
                about[0].fail(Failure(reason, Side.PEER, MM6.waiting, detail))

    def _notified(self, sa: MainModeSa, notification: Notification) -> None:
        alternatives = _alternatives(notification)
        self._record(sa.path, notification, authenticated=True, alternatives=alternatives)
        if notification.notify == NotifyType.R_U_THERE:
            answer = informational.alive(notification)
            self._desk.send(sa.path, informational.protected(sa, answer, self._desk.entropy))
        elif notification.notify == NotifyType.R_U_THERE_ACK:
            self._negotiations.probes.answered(sa, notification)
        elif notification.notify == NotifyType.INITIAL_CONTACT:
            self._endings.forgotten_by_peer(sa, sa.established_at)
        elif notification.notify <= NOTIFY_ERROR_MAX:
            if notification.notify == NotifyType.INVALID_SPI:
                self._endings.unknown_to_peer(sa, notification)
            exchange = self._refused_quick_mode(sa, notification)
            if exchange is not None:
                exchange.fail(_failure(notification, exchange, alternatives))

    def _taken_back(self, sa: MainModeSa, delete: Delete) -> None:
        """The peer deletes an SA that is not complete here: its half could not be installed."""
        for exchange, quick in self._negotiations.quick_modes_under(sa):
            ours = quick.peer_spi and quick.protocol == delete.protocol
            if ours and quick.peer_spi.to_bytes(4) in delete.spis:
                exchange.fail(Failure(Reason.PEER_REFUSED, Side.PEER, detail="it took its SA back"))

    def _refused_quick_mode(self, sa: MainModeSa, notification: Notification) -> Exchange | None:
        """Which quick mode an error is about: the one whose SPI of ours it names (RFC 2408 3.14),
        or whose message ID (MS-IKEE 2.2.6); else the oldest that waits for the peer, unless an SPI
        that is not known here says that it is another."""
        waiting = [
            (exchange, quick)
            for exchange, quick in self._negotiations.quick_modes_under(sa)
            if exchange.awaits is not None
        ]
        for exchange, quick in waiting:
            if notification.spi == quick.spi.to_bytes(4):
                return exchange
            if notification.data[:4] == exchange.message_id.to_bytes(4):
                return exchange
        named = len(notification.spi) == SPI_OCTETS and any(notification.spi)
        return waiting[0][0] if waiting and not (named and len(waiting) > 1) else None

    # --- in clear ---------------------------------------------------------------------------

    def _in_clear(self, header: Header, datagram: bytes, path: Path) -> None:
        try:
            payloads = parse_payloads_untrusted(
                header.next_payload, datagram[: header.length], HEADER_OCTETS
            )
        except Malformed as malformed:
            self._desk.drop_malformed(path, datagram, malformed)
            return
        exchanges = self._about(header, path)
        for notification in payloads.all(Notification):
            if notification.notify in _FORGETFUL:
                self._doubts.about_peer(path, (header.cky_i, header.cky_r))
            if not exchanges or notification.notify > NOTIFY_ERROR_MAX:
                self._record(path, notification, authenticated=False)
                continue
            alternatives = _alternatives(notification)
            for exchange in exchanges:
                failure = _failure(notification, exchange, alternatives)
                if exchange.note(failure):
                    self._fallback.mismatched(exchange, failure)
        if payloads.has(PayloadType.DELETE):
            self._desk.statistics.invalid_packets_received += 1
        if not payloads.has(PayloadType.NOTIFICATION):
            self._desk.drop(
                path, datagram, "an informational message in clear that notifies of nothing"
            )

    def _about(self, header: Header, path: Path) -> list[Exchange]:
        """What an unprotected message claims to be about: the main mode under way with these
        cookies, or what is under way under the SA that it became."""
        sa = self._associations.main_modes.get((header.cky_i, header.cky_r))
        if sa is not None and sa.path == path:
            return [exchange for exchange, _ in self._negotiations.quick_modes_under(sa)]
        exchange = self._negotiations.exchanges.main_mode(header.cky_i, header.cky_r)
        if exchange is None or exchange.finished or exchange.path != path:
            return []
        return [exchange]

    # --- reports ----------------------------------------------------------------------------

    def _record(
        self,
        path: Path,
        notification: Notification,
        *,
        authenticated: bool,
        alternatives: tuple[str, ...] = (),
    ) -> None:
        detail = "would take " + ", ".join(alternatives) if alternatives else ""
        name = notify_name(notification)
        self._desk.record(NotificationReceived(path, name, authenticated, detail))


def _alternatives(notification: Notification) -> tuple[str, ...]:
    """What the peer would have taken instead, a line each."""
    if notification.notify != NotifyType.NO_PROPOSAL_CHOSEN:
        return ()
    return read_alternatives_untrusted(notification.data)


def _failure(
    notification: Notification, exchange: Exchange, alternatives: tuple[str, ...]
) -> Failure:
    """What an error notification means for the exchange it is about."""
    try:
        reason = _MEANING.get(NotifyType(notification.notify), Reason.PEER_REFUSED)
    except ValueError:
        reason = Reason.PEER_REFUSED
    if exchange.awaits is MM6:  # our proof: known and not expected, or could not be read
        known = reason is Reason.NOT_AUTHORISED
        reason = Reason.IDENTITY_MISMATCH if known else Reason.WRONG_KEY
    detail = f"the peer says {notify_name(notification)}"
    if reason is Reason.NO_COMMON_PROPOSAL and exchange.awaits is QM3:  # we took its own offer
        reason = Reason.PEER_REFUSED
        detail += " to what it has offered itself; perhaps it cannot install the pair"
    elif reason is Reason.NO_COMMON_PROPOSAL and exchange.awaits is QM2 and not alternatives:
        detail += ", which may also be about the mode or perfect forward secrecy"
    return Failure(
        reason, Side.PEER, detail=detail, offered=_offered(exchange, reason), wanted=alternatives
    )


def _offered(exchange: Exchange, reason: Reason) -> tuple[str, ...]:
    """What was on the table when the peer refused."""
    negotiation = exchange.negotiation
    if reason is Reason.NOT_AUTHORISED and isinstance(negotiation, QuickMode):
        return (f"{negotiation.selector} {negotiation.mode.value} mode",)
    if exchange.awaits in (MM2, QM2) and negotiation.offer is not None:
        return describe_sa(negotiation.offer)
    return ()
