"""The engine's front door: values in, effects out.

The engine does no I/O, reads no clock, draws no randomness and blocks on nothing. Datagrams, the
driver's wishes, job results and the passing of time come in with the time they happened at; what
is to be done goes out as a list of effects.
"""

from dataclasses import replace

from mainmode import limits
from mainmode.auth.credentials import Credentials
from mainmode.engine import informational
from mainmode.engine.associations import Associations, MainModeSa, QuickModeSa
from mainmode.engine.desk import Desk, Entropy
from mainmode.engine.doubts import Doubts
from mainmode.engine.effects import Effect
from mainmode.engine.endings import Endings
from mainmode.engine.events import NegotiationFailed
from mainmode.engine.exchanges import NO_COOKIE
from mainmode.engine.fallback import Fallback
from mainmode.engine.half_open import HalfOpenMainModes
from mainmode.engine.negotiations import Negotiations
from mainmode.engine.notices import Notices
from mainmode.engine.rekeying import Rekeying
from mainmode.engine.review import NO_LONGER, Review
from mainmode.engine.soft import StandingSoftSa
from mainmode.engine.statistics import IkeStatistics
from mainmode.engine.terms import Terms
from mainmode.engine.timers import Timer, TimerKind
from mainmode.engine.vendor_ids import nat_revisions, read_untrusted
from mainmode.engine.wishes import Wish
from mainmode.errors import Malformed
from mainmode.failures import Failure, Reason, Refused
from mainmode.ladder import MM1
from mainmode.model import Flow, IpAddress, Path
from mainmode.numbers import ExchangeType, NotifyType, ProtocolId, name_of
from mainmode.policy.model import Action
from mainmode.policy.offers import fit_alternatives
from mainmode.policy.selection import PeerTerms, Selection
from mainmode.wire.header import HEADER_OCTETS, Header, parse_header_untrusted
from mainmode.wire.message import parse_payloads_untrusted
from mainmode.wire.payloads import VendorId

_REFUSED_EXCHANGES: dict[int, str] = {
    ExchangeType.BASE: "base mode is refused: it hands identities out in clear",
    ExchangeType.AGGRESSIVE: "aggressive mode is refused: it gives a HASH of the key to anybody",
    ExchangeType.TRANSACTION: "transaction exchanges (XAUTH, mode config) are refused",
    ExchangeType.NEW_GROUP: "new group mode is refused: private groups are not to be trusted",
}


class Engine:
    """One worker's IKE: all its negotiations and SAs."""

    def __init__(
        self,
        selection: Selection,
        credentials: Credentials,
        entropy: Entropy,
        *,
        nat_port: int = limits.NAT_PORT,
        worker: int = 0,
    ) -> None:
        """nat_port: where both sides speak from when a NAT is between them."""
        self.worker = worker
        self._terms = Terms(selection, credentials)
        self._desk = Desk(entropy)
        self._associations = Associations()
        self._half_open = HalfOpenMainModes(self._desk)
        self._endings = Endings(self._desk, self._associations)
        self._negotiations = Negotiations(
            self._desk,
            self._associations,
            self._terms,
            self._half_open,
            self._endings,
            nat_port,
        )
        self._rekeying = Rekeying(
            self._desk, self._associations, self._negotiations, self._endings, self._terms
        )
        self._fallback = Fallback(self._negotiations, self._terms)
        self._doubts = Doubts(self._desk, self._associations, self._negotiations, self._terms)
        self._notices = Notices(
            self._desk,
            self._associations,
            self._negotiations,
            self._endings,
            self._fallback,
            self._doubts,
        )

    # --- inputs -----------------------------------------------------------------------------

    def receive(self, datagram: bytes, path: Path, now: float) -> list[Effect]:
        """A datagram has arrived. Never raises, whatever it holds."""
        self._desk.begin(now)
        try:
            header = parse_header_untrusted(datagram)
        except Malformed as malformed:
            self._desk.drop_malformed(path, datagram, malformed)
            return self._desk.finish()
        if header.exchange == ExchangeType.MAIN:
            self._receive_main_mode(header, datagram, path)
        elif header.exchange == ExchangeType.QUICK:
            self._receive_quick_mode(header, datagram, path)
        elif header.exchange == ExchangeType.INFORMATIONAL:
            self._notices.receive(header, datagram, path)
        else:
            name = name_of(ExchangeType, header.exchange)
            why = f"exchange type {name} is not known"
            self._desk.drop(path, datagram, _REFUSED_EXCHANGES.get(header.exchange, why))
        return self._desk.finish()

    def acquire(self, flow: Flow, path: Path, now: float) -> list[Effect]:
        """The driver holds a packet of this flow and has no SA for it. path: to the peer that
        policy names for the flow. It asks again as long as it holds packets, so nothing is lost
        by waiting for a quick mode that the peer has begun."""
        self._desk.begin(now)
        decision = self._terms.selection.decide(flow)
        wish, peer = Wish(path, decision), path.peer.address
        if (
            decision.action is Action.NEGOTIATE
            and decision.peer == peer
            and not self._negotiations.answering(peer, decision.selector)
            and not self._negotiations.second_chances.refused_lately(wish)
        ):
            self._negotiations.wish(wish)
        return self._desk.finish()

    def connect(self, path: Path, now: float) -> list[Effect]:
        """An administrator wants an SA with this peer: for the most specific negotiate filter
        toward it."""
        self._desk.begin(now)
        local, peer = path.local.address, path.peer.address
        decision = self._terms.selection.connection(local, peer)
        if decision is not None:
            self._negotiations.wish(Wish(path, decision))
        else:
            failure = Failure(Reason.NO_POLICY, detail=str(peer))
            self._desk.record(NegotiationFailed(path, "main mode", failure))
        return self._desk.finish()

    def disconnect(self, peer: IpAddress, now: float) -> list[Effect]:
        """An administrator wants no SA with this peer any more."""
        self._desk.begin(now)
        why = "by the administrator"
        self._negotiations.call_off(
            why,
            of_wish=lambda wish: wish.path.peer.address == peer,
            of=lambda exchange: exchange.path.peer.address == peer,
        )
        self._negotiations.soft.end_all_with(peer, why)
        self._endings.end_all_with(peer, why)
        return self._desk.finish()

    def resume(self, job_id: int, result: object, now: float) -> list[Effect]:
        """A job has come back: with its result, or a `JobFailed`."""
        self._desk.begin(now)
        self._desk.job_done(job_id, result)
        return self._desk.finish()

    def wake(self, now: float) -> list[Effect]:
        """Time has passed: whatever is due by now happens."""
        self._desk.begin(now)
        for timer in self._desk.timers.due(now):
            self._ring(timer)
        return self._desk.finish()

    @property
    def next_wake(self) -> float | None:
        """When `wake` has something to do, or None."""
        return self._desk.timers.next_wake

    def expired(self, spi: int, now: float, *, hard: bool) -> list[Effect]:
        """The driver says that a pair nears (soft) or has reached (hard) its lifetime. Only the
        driver knows; IKE does not expire pairs."""
        self._desk.begin(now)
        if hard:
            self._endings.end_quick_mode(spi, "its lifetime has passed")
        else:
            self._rekeying.near_end(spi)
        return self._desk.finish()

    def used(self, spi: int, now: float) -> list[Effect]:
        """The driver says that the first packet has come in through a pair."""
        self._desk.begin(now)
        self._negotiations.succession.used(spi)
        return self._desk.finish()

    def idle(self, spi: int, now: float) -> list[Effect]:
        """The driver says that nothing goes through a pair any more: it is let go."""
        self._desk.begin(now)
        self._endings.end_quick_mode(spi, "nothing has passed through it for some time")
        return self._desk.finish()

    def soft_idle(self, number: int, now: float) -> list[Effect]:
        """The driver says that nothing passes in clear under a soft SA any more."""
        self._desk.begin(now)
        self._negotiations.soft.idle(number)
        return self._desk.finish()

    def bad_spi(self, path: Path, protocol: ProtocolId, spi: int, now: float) -> list[Effect]:
        """The driver says that packets of ESP or AH come from this peer with an SPI that names no
        pair. Anybody can forge them, so they bring about a message or a main mode now and then, no
        more."""
        self._desk.begin(now)
        self._doubts.about_pair(path, protocol, spi)
        return self._desk.finish()

    def assign(self, selection: Selection, credentials: Credentials, now: float) -> list[Effect]:
        """A new policy: what it no longer permits ends, the rest stays."""
        self._desk.begin(now)
        review = Review(replace(self._terms), Terms(selection, credentials))
        self._terms.selection, self._terms.credentials = selection, credentials
        for half_open in tuple(self._half_open):
            if not review.half_open(half_open):
                self._half_open.expire(half_open.cookies)
        self._negotiations.call_off(
            NO_LONGER,
            of_wish=lambda wish: not review.wish(wish),
            of=lambda exchange: not review.exchange(exchange),
        )
        for pair in self.quick_mode_sas():
            if not review.quick_mode(pair):
                self._endings.end_quick_mode(pair.pair.spi, NO_LONGER)
        for sa in self.main_mode_sas():
            if not review.main_mode(sa):
                self._endings.end_main_mode(sa, NO_LONGER)
            else:
                sa.refused_at.clear()  # what was refused may fit now
        for standing in self.soft_sas():
            if not review.wish(standing.wish):
                self._negotiations.soft.end(standing, NO_LONGER)
        return self._desk.finish()

    def close(self, now: float) -> list[Effect]:
        """Say goodbye to everyone."""
        self._desk.begin(now)
        why = "the service stops"
        self._negotiations.call_off(why, of_wish=lambda _wish: True, of=lambda _exchange: True)
        for standing in self.soft_sas():
            self._negotiations.soft.end(standing, why)
        self._endings.end_everything(why)
        return self._desk.finish()

    # --- views ------------------------------------------------------------------------------

    @property
    def statistics(self) -> IkeStatistics:
        """The counters, gauges filled in."""
        statistics = self._desk.statistics
        statistics.active_acquire = self._negotiations.waiting
        statistics.isadb_list_size = len(self._associations.main_modes)
        statistics.connection_list_size = len(self._associations.quick_modes)
        return statistics

    def main_mode_sas(self) -> tuple[MainModeSa, ...]:
        """The main mode SAs that stand, oldest first. To look at, not to change."""
        return tuple(self._associations.main_modes.values())

    def quick_mode_sas(self) -> tuple[QuickModeSa, ...]:
        """The quick mode SAs that stand, a pair each, oldest first."""
        return tuple(self._associations.quick_modes.values())

    def soft_sas(self) -> tuple[StandingSoftSa, ...]:
        """The soft SAs that stand, oldest first."""
        return tuple(self._negotiations.soft)

    # --- main mode --------------------------------------------------------------------------

    def _receive_main_mode(self, header: Header, datagram: bytes, path: Path) -> None:
        exchange = self._negotiations.exchanges.find(header)
        if header.message_id:
            self._desk.drop(path, datagram, "main mode has no message ID")
        elif header.cky_r == NO_COOKIE:
            self._receive_offer(header, datagram, path)
        elif exchange is not None:
            self._negotiations.admit(exchange, header, datagram, path)
        else:
            self._receive_third(header, datagram, path)

    def _receive_offer(self, header: Header, datagram: bytes, path: Path) -> None:
        """Message 1: from anybody."""
        if self._half_open.known(datagram, header, path):
            return
        if self._negotiations.exchanges.any_under_way(path, header.cky_i):
            self._desk.drop(path, datagram, "our own message 1 comes back")
            return
        if len(datagram) > limits.MESSAGE_1_OCTETS_MAX:
            self._desk.drop(path, datagram, "it is too long for a message 1")
            return
        if header.encrypted:
            self._desk.drop(path, datagram, "an encrypted message 1")
            return
        try:
            octets = datagram[: header.length]
            payloads = parse_payloads_untrusted(header.next_payload, octets, HEADER_OCTETS)
        except Malformed as malformed:
            self._desk.drop_malformed(path, datagram, malformed)
            return
        misfit = MM1.misfit(payloads.kinds)
        if misfit:
            self._desk.drop(path, datagram, f"{MM1.name}: {misfit}")
            return
        if not self._half_open.has_room(datagram, path):
            return
        terms = self._terms.selection.toward(path.local.address, path.peer.address)
        capabilities = read_untrusted(
            payloads.all(VendorId), nat_revisions(self._terms.policy.profile, path)
        )
        try:
            if terms is None:
                raise Refused(Failure(Reason.NO_POLICY, detail=str(path.peer.address)))
            self._half_open.answer(
                datagram,
                header,
                payloads,
                path,
                terms,
                self._terms.main_mode(path),
                capabilities,
                self._negotiations.vendor_ids_for(path, capabilities),
            )
        except Refused as refused:
            self._refuse_offer(header, datagram, path, terms, refused.failure.at(MM1.waiting))

    def _refuse_offer(
        self,
        header: Header,
        datagram: bytes,
        path: Path,
        terms: PeerTerms | None,
        failure: Failure,
    ) -> None:
        """Say no to message 1. A peer without any rule hears nothing: it is a stranger."""
        if self._half_open.refused_before(path, header.cky_i):
            self._desk.drop(path, datagram, f"an offer refused before: {failure.reason.sentence}")
        else:
            self._desk.statistics.negotiation_failures += 1
            self._desk.record(NegotiationFailed(path, "main mode", failure))
        if terms is None or failure.reason.notify is None:
            return
        room = len(datagram) - informational.IN_CLEAR_OCTETS
        data = fit_alternatives(failure.alternatives, room) if terms.explain_refusals else b""
        self._answer_in_clear(header, path, failure.reason.notify, data, len(datagram))

    def _receive_third(self, header: Header, datagram: bytes, path: Path) -> None:
        """Message 3, if our cookie is in it."""
        half_open = self._half_open.find((header.cky_i, header.cky_r))
        if half_open is None or half_open.continued or half_open.path != path:
            self._unknown(header, datagram, path)
        elif self._negotiations.answer_main_mode(half_open, header, datagram):
            half_open.continued = True

    # --- quick mode -------------------------------------------------------------------------

    def _receive_quick_mode(self, header: Header, datagram: bytes, path: Path) -> None:
        sa = self._associations.main_modes.get((header.cky_i, header.cky_r))
        exchange = self._negotiations.exchanges.find(header) if header.message_id else None
        if exchange is not None:
            self._negotiations.admit(exchange, header, datagram, path)
        elif sa is None:
            self._unknown(header, datagram, path)
        elif not header.message_id or header.message_id in sa.used_message_ids:
            self._desk.drop(path, datagram, "its message ID is zero or has been used before")
        elif path != sa.path:
            self._desk.drop(path, datagram, "the main mode SA is with another address")
        elif sa.is_full:
            self._desk.drop(path, datagram, "the main mode SA has no more message IDs")
        elif self._negotiations.answer_quick_mode(sa, header, datagram):
            sa.use(header.message_id)
            sa.begin_quick_mode()

    # --- time -------------------------------------------------------------------------------

    def _ring(self, timer: Timer) -> None:
        """A timer is due; if its subject is gone, nothing happens."""
        kind, subject = timer
        if kind is TimerKind.RETRY:
            exchange = self._negotiations.exchanges.get(subject)
            if exchange is not None:
                exchange.retry()
        elif kind is TimerKind.DEADLINE:
            self._negotiations.expire(subject)
        elif kind is TimerKind.HALF_OPEN:
            self._half_open.expire(subject[:2])
        elif kind is TimerKind.REKEY:
            self._rekeying.ring(subject[2])
        elif kind is TimerKind.RETIRE:
            self._negotiations.succession.ring(subject[2])
        elif kind is TimerKind.DELETE:
            self._endings.reliable.ring(subject)
        elif kind is TimerKind.DEPARTED:
            self._endings.reliable.forget(subject[:2])
        elif kind is TimerKind.PROBE:
            self._negotiations.probes.ring(subject[:2])
        elif kind is TimerKind.KEEPALIVE:
            self._negotiations.keepalives.ring(subject[:2])
        elif kind is TimerKind.FALLBACK:
            self._fallback.ring(subject[2])
        elif kind is TimerKind.SOFT_LIFETIME:
            self._fallback.try_again(subject[2])
        elif kind is TimerKind.RENEWAL:
            self._rekeying.main_mode_nears_end(subject[:2])
        elif kind is TimerKind.MAIN_MODE_LIFETIME:
            self._rekeying.main_mode_ends(subject[:2])

    # --- answers and reports ----------------------------------------------------------------

    def _answer_in_clear(
        self, header: Header, path: Path, notify: NotifyType, data: bytes, octets_max: int
    ) -> None:
        """A notification to somebody who has proved nothing: bounded in length and number."""
        if not self._desk.may_answer_stranger():
            return
        datagram = informational.in_clear(
            header.cky_i, header.cky_r, notify, self._desk.entropy, data, octets_max
        )
        if datagram:
            self._desk.send(path, datagram)

    def _unknown(self, header: Header, datagram: bytes, path: Path) -> None:
        exchange = name_of(ExchangeType, header.exchange).lower() + " mode"
        self._desk.drop_unknown(path, datagram, exchange)
