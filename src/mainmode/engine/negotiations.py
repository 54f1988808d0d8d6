"""Negotiations from wish to SA: which main modes and quick modes run, wait, end.

A wish for protection becomes a quick mode under a main mode SA; without one it waits for a main
mode to be made. At most three quick modes run at once under one main mode toward a peer that is
not known to take more; the rest queue up.
"""

from collections.abc import Callable, MutableSequence
from typing import Any, cast

from mainmode import limits
from mainmode.auth.authenticator import Role
from mainmode.engine import informational, main_mode, quick_mode, vendor_ids
from mainmode.engine.associations import Associations, MainModeSa, QuickModeSa
from mainmode.engine.desk import Desk
from mainmode.engine.endings import Endings, same_peer
from mainmode.engine.events import (
    MainModeEstablished,
    NegotiationFailed,
    NotificationReceived,
    QuickModeEstablished,
)
from mainmode.engine.exchange import Exchange, Key, Negotiation
from mainmode.engine.exchanges import NO_COOKIE, Exchanges
from mainmode.engine.explanation import explanation
from mainmode.engine.half_open import HalfOpen, HalfOpenMainModes
from mainmode.engine.introductions import Introductions
from mainmode.engine.keepalives import Keepalives
from mainmode.engine.main_mode import MainMode
from mainmode.engine.probes import Probes
from mainmode.engine.quick_mode import QuickMode
from mainmode.engine.second_chances import SecondChances
from mainmode.engine.soft import SILENCE, SoftSas
from mainmode.engine.succession import Succession
from mainmode.engine.terms import Terms
from mainmode.engine.timers import Timer, TimerKind
from mainmode.engine.vendor_ids import Capabilities
from mainmode.engine.wishes import Turns, Wish
from mainmode.failures import Failure, Reason, Side
from mainmode.ladder import MM2, Ladder
from mainmode.model import IpAddress, Path, SaPair, Selector
from mainmode.numbers import NotifyType, name_of
from mainmode.policy.model import Authentication
from mainmode.wire.header import Cookies, Header
from mainmode.wire.payloads import VendorId

AUTHENTICATION_FAILURES = (Reason.WRONG_KEY, Reason.IDENTITY_MISMATCH, Reason.NO_CREDENTIAL)


class Negotiations:
    """All exchanges under way, and the wishes behind them."""

    def __init__(
        self,
        desk: Desk,
        associations: Associations,
        terms: Terms,
        half_open: HalfOpenMainModes,
        endings: Endings,
        nat_port: int,
    ) -> None:
        self._nat_port = nat_port
        self.keepalives = Keepalives(desk, associations)
        self.probes = Probes(desk, associations, endings, terms)
        self.soft = SoftSas(desk, associations)
        self.succession = Succession(desk, associations, endings)
        endings.watchers.append(self.succession.forget)
        self._desk = desk
        self._associations = associations
        self._terms = terms
        self._half_open = half_open
        self._endings = endings
        self.exchanges = Exchanges()
        self._wishes: dict[tuple[Path, Selector | None], Wish] = {}
        self._parked: dict[tuple[IpAddress, IpAddress], list[Wish]] = {}
        """Wishes that wait for a main mode between these hosts."""
        self._turns: dict[Cookies, Turns] = {}
        self.second_chances = SecondChances(desk, associations, endings)
        self._introductions = Introductions(desk, associations, self.exchanges)

    @property
    def waiting(self) -> int:
        """Wishes not yet granted: running, queued or parked."""
        return len(self._wishes)

    def quick_modes_under(self, sa: MainModeSa) -> list[tuple[Exchange, QuickMode]]:
        """Those under way under a main mode SA, oldest first."""
        return [
            (exchange, exchange.negotiation)
            for exchange in self.exchanges.under_way_with(sa.path.peer.address)
            if isinstance(exchange.negotiation, QuickMode) and exchange.negotiation.sa is sa
        ]

    def answering(self, peer: IpAddress, selector: Selector | None) -> bool:
        """Whether a quick mode that this peer began is about to protect all of this traffic."""
        return selector is not None and any(
            isinstance(quick := exchange.negotiation, QuickMode)
            and quick.role is Role.RESPONDER
            and quick.selector is not None
            and quick.selector.covers(selector)
            for exchange in self.exchanges.under_way_with(peer)
        )

    # --- wishes -----------------------------------------------------------------------------

    def wish(self, wish: Wish) -> None:
        """Have this traffic protected; asking again changes nothing."""
        if self._wishes.setdefault(wish.key, wish) is not wish:
            return
        self._desk.statistics.total_acquire += 1
        self._pursue(wish)

    def call_off(
        self, why: str, *, of_wish: Callable[[Wish], bool], of: Callable[[Exchange], bool]
    ) -> None:
        """End every exchange under way that `of` says, and before that the wishes that wait."""
        queues: list[MutableSequence[Wish]] = list(self._parked.values())
        queues += [turns.waiting for turns in self._turns.values()]
        for queue in queues:
            for wish in [each for each in queue if of_wish(each)]:
                queue.remove(wish)
                self._give_up(wish)
        for exchange in self.exchanges.under_way():
            if of(exchange):
                exchange.fail(Failure(Reason.CLOSED, detail=why))

    def _pursue(self, wish: Wish) -> None:
        sa = self._associations.usable_main_mode(wish.path, wish.authentications)
        if sa is not None:
            self._queue(sa, wish)
            return
        parked = self._parked.setdefault(wish.path.hosts, [])
        if self._has_room(wish, len(parked)):
            parked.append(wish)
            self.soft.expect(wish, self._terms.main_mode(wish.path))
            self._begin_main_mode(wish.path, wish.authentications)

    def _queue(self, sa: MainModeSa, wish: Wish) -> None:
        turns = self._turns.setdefault(sa.cookies, Turns())
        if sa.capabilities.many_quick_modes or turns.running < limits.QUICK_MODES_AT_ONCE:
            turns.running += 1
            self._begin_quick_mode(sa, wish)
        elif self._has_room(wish, len(turns.waiting)):
            turns.waiting.append(wish)

    def _has_room(self, wish: Wish, waiting: int) -> bool:
        """Whether one more may wait; if not, the wish is not granted."""
        if waiting < limits.NEGOTIATIONS_WAITING_MAX:
            return True
        failure = Failure(Reason.CLOSED, detail=f"{waiting} quick modes wait for their turn")
        self._desk.record(NegotiationFailed(wish.path, "quick mode", failure))
        self._give_up(wish)
        return False

    def _next_turn(self, cookies: Cookies) -> None:
        """One of our quick modes under this main mode has ended: whoever waits longest is next.
        If the main mode SA is gone, that is everybody: under another one."""
        turns = self._turns[cookies]
        turns.running -= 1
        while turns.waiting and turns.running < limits.QUICK_MODES_AT_ONCE:
            self._pursue(turns.waiting.popleft())
        if not turns.running:
            del self._turns[cookies]

    def _give_up(self, wish: Wish) -> None:
        self._wishes.pop(wish.key, None)
        self._desk.statistics.acquire_failures += 1

    def is_wanted(self, wish: Wish) -> bool:
        """Whether it has been neither granted nor given up."""
        return self._wishes.get(wish.key) is wish

    def parked(self, path: Path) -> tuple[Wish, ...]:
        """The wishes that wait for a main mode between these hosts."""
        return tuple(self._parked.get(path.hosts, ()))

    # --- main mode --------------------------------------------------------------------------

    def _begin_main_mode(self, path: Path, authentications: tuple[Authentication, ...]) -> None:
        """As initiator, unless one with these methods is under way on the path."""
        for exchange in self.exchanges.under_way_with(path.peer.address):
            under_way = exchange.negotiation
            if (
                isinstance(under_way, MainMode)
                and under_way.role is Role.INITIATOR
                and (under_way.path, under_way.authentications) == (path, authentications)
            ):
                return
        mm = self._main_mode(Role.INITIATOR, path, self._new_cookie(), NO_COOKIE, authentications)
        mm.first_contact = self._introductions.is_due
        mm.begun_at = self._desk.now
        mm.vendor_ids = vendor_ids.announced(
            self._terms.policy.profile,
            path,
            first_contact=self._first_contact(path),
            in_cluster=mm.settings.in_cluster,
        )
        self._start(main_mode.initiate(mm), mm, path, (mm.cky_i, NO_COOKIE, 0))

    def make_main_mode(self, path: Path, authentications: tuple[Authentication, ...]) -> None:
        """For its own sake."""
        self._begin_main_mode(path, authentications)

    def main_modes_between(self, path: Path) -> list[Exchange]:
        """Those under way between these hosts."""
        return [
            exchange
            for exchange in self.exchanges.under_way_with(path.peer.address)
            if isinstance(exchange.negotiation, MainMode) and exchange.path.hosts == path.hosts
        ]

    def answer_main_mode(self, half_open: HalfOpen, header: Header, datagram: bytes) -> bool:
        """Message 3 with our cookie: from here on the responder has a ladder."""
        path, (cky_i, cky_r) = half_open.path, half_open.cookies
        authentications = (half_open.choice.authentication,)
        mm = self._main_mode(Role.RESPONDER, path, cky_i, cky_r, authentications)
        mm.choice, mm.capabilities = half_open.choice, half_open.capabilities
        mm.begun_at = half_open.since
        ladder = main_mode.respond(mm, half_open.sai_b)
        return self._answer(ladder, mm, path, header, datagram)

    def _main_mode(
        self,
        role: Role,
        path: Path,
        cky_i: bytes,
        cky_r: bytes,
        authentications: tuple[Authentication, ...],
    ) -> MainMode:
        return MainMode(
            role,
            path,
            cky_i,
            cky_r,
            self._terms.main_mode(path),
            authentications,
            self._terms.credentials,
            self._desk.entropy,
            self._nat_port,
            nat_revisions=vendor_ids.nat_revisions(self._terms.policy.profile, path),
        )

    def vendor_ids_for(self, path: Path, capabilities: Capabilities) -> list[VendorId]:
        """Ours in the answer to a peer that can do this."""
        return vendor_ids.answered(
            self._terms.policy.profile, capabilities, first_contact=self._first_contact(path)
        )

    def _first_contact(self, path: Path) -> bool:
        return not self._associations.main_modes_with(path.peer.address)

    def _main_mode_done(self, exchange: Exchange, mm: MainMode, sa: MainModeSa) -> None:
        desk = self._desk
        sa.path = exchange.path
        sa.nat = mm.settled_nat(exchange.path)
        sa.last_block = exchange.last_block
        settings = mm.settings
        sa.lifetime_s = min(sa.lifetime_s, settings.timeout_s or sa.lifetime_s)
        sa.quick_modes_max = settings.quick_modes_each
        sa.established_at = sa.heard_at = desk.now
        is_due = self._introductions.is_due(mm)
        self._associations.add_main_mode(sa)
        desk.timers.set(Timer(TimerKind.RENEWAL, (*sa.cookies, 0)), sa.renewed_at)
        self.keepalives.begin(sa)
        self.probes.begin(sa)
        desk.statistics.main_modes += 1
        desk.record(
            MainModeEstablished(
                sa.path,
                *sa.cookies,
                sa.role.value,
                sa.offer.name,
                sa.authentication.method.value,
                str(sa.local_identity),
                str(sa.peer),
                str(sa.nat) if sa.nat is not None else "",
            )
        )
        if mm.initial_contact:
            name = name_of(NotifyType, NotifyType.INITIAL_CONTACT)
            desk.record(NotificationReceived(sa.path, name, authenticated=True))
            self._endings.forgotten_by_peer(sa, mm.begun_at)
        self._introductions.established(sa, mm, is_due=is_due)
        for other in self._associations.main_modes_with(sa.path.peer.address):
            if other.lost and same_peer(other, sa):
                self._endings.end_main_mode(other, "the peer has lost it")
        for wish in self._parked.pop(sa.path.hosts, []):
            self._pursue(wish)

    def _new_cookie(self) -> bytes:
        """An initiator cookie that is not zero; chance makes it unique."""
        cookie = self._desk.entropy(limits.COOKIE_OCTETS)
        return cookie if any(cookie) else self._new_cookie()

    # --- quick mode -------------------------------------------------------------------------

    def _begin_quick_mode(self, sa: MainModeSa, wish: Wish) -> None:
        message_id = informational.fresh_message_id(sa, self._desk.entropy)
        qm = self._quick_mode(Role.INITIATOR, sa, message_id)
        sa.begin_quick_mode()
        qm.asker = wish
        ladder = quick_mode.initiate(qm, wish.decision)
        self._start(ladder, qm, sa.path, (*sa.cookies, message_id))

    def answer_quick_mode(self, sa: MainModeSa, header: Header, datagram: bytes) -> bool:
        """Message 1 of a quick mode under an established main mode SA."""
        qm = self._quick_mode(Role.RESPONDER, sa, header.message_id)
        ladder = quick_mode.respond(qm, self._terms.selection)
        return self._answer(ladder, qm, sa.path, header, datagram)

    def _quick_mode(self, role: Role, sa: MainModeSa, message_id: int) -> QuickMode:
        qm = QuickMode(role, sa, message_id, self._desk.entropy)
        qm.is_first = not sa.quick_modes_begun
        qm.begun_at = self._desk.now
        qm.predecessor = self.succession.predecessor
        return qm

    def _quick_mode_done(self, exchange: Exchange, qm: QuickMode, pair: SaPair) -> None:
        pfs = qm.pfs.name if qm.pfs is not None else ""
        sa = QuickModeSa(
            pair,
            exchange.path,
            qm.sa.cookies,
            qm.role,
            pfs,
            qm.sa.authentication,
            self._desk.now,
            qm.begun_at,
            qm.sa.peer.identification.body(),
        )
        self._associations.add_quick_mode(sa)
        self.succession.established(sa)
        self.soft.secured(sa)
        qm.sa.quick_modes += 1
        qm.sa.heard_at = self._desk.now
        self._desk.statistics.quick_modes += 1
        self._desk.record(
            QuickModeEstablished(
                exchange.path,
                qm.role.value,
                pair.inbound.suite,
                pair.mode.value,
                pair.selector,
                pair.inbound.spi,
                pair.outbound.spi,
                pfs,
            )
        )
        if isinstance(qm.asker, Wish):
            self._wishes.pop(qm.asker.key, None)
            self._next_turn(qm.sa.cookies)

    # --- the life of an exchange ------------------------------------------------------------

    def _start(self, ladder: Ladder[Any], negotiation: Negotiation, path: Path, key: Key) -> None:
        """Begin an exchange of ours."""
        exchange = self._exchange(ladder, negotiation, path, key)
        self.exchanges.add(exchange)
        exchange.begin()

    def _answer(
        self,
        ladder: Ladder[Any],
        negotiation: Negotiation,
        path: Path,
        header: Header,
        datagram: bytes,
    ) -> bool:
        """Begin the peer's exchange with its first message; False, and nothing has happened, when
        the message is not admitted."""
        key = (header.cky_i, header.cky_r, header.message_id)
        exchange = self._exchange(ladder, negotiation, path, key)
        self.exchanges.add(exchange)
        exchange.begin()
        if exchange.admit(header, datagram, path) or exchange.authentic:
            return True
        exchange.discard()
        self.exchanges.remove(exchange)
        return False

    def _exchange(
        self,
        ladder: Ladder[Any],
        negotiation: Negotiation,
        path: Path,
        key: Key,
    ) -> Exchange:
        return Exchange(
            self._desk,
            ladder,
            negotiation,
            path=path,
            key=key,
            retry_intervals_s=self._terms.main_mode(path).retry_intervals_s,
            done=self._done,
            failed=self._failed,
        )

    def admit(self, exchange: Exchange, header: Header, datagram: bytes, path: Path) -> None:
        """A datagram for an exchange that is known."""
        if not exchange.hears(path):
            why = f"its exchange is with {exchange.path.peer}, not {path.peer}"
            self._desk.drop(path, datagram, why)
            return
        key = exchange.key
        exchange.admit(header, datagram, path)
        if exchange.key != key:
            self.exchanges.rename(key, exchange)

    def expire(self, key: Key) -> None:
        """An exchange has waited too long, or has kept its last reply long enough."""
        exchange = self.exchanges.get(key)
        if exchange is None:
            return
        if exchange.finished:
            self.exchanges.remove(exchange)
        else:
            exchange.time_out()

    def _done(self, exchange: Exchange, result: object) -> None:
        negotiation = exchange.negotiation
        self.exchanges.finish(exchange)
        if isinstance(negotiation, QuickMode):
            self._quick_mode_done(exchange, negotiation, cast("SaPair", result))
        else:
            self._half_open.end((exchange.cky_i, exchange.cky_r))
            self._main_mode_done(exchange, negotiation, cast("MainModeSa", result))

    def _failed(self, exchange: Exchange, failure: Failure) -> None:
        desk, negotiation = self._desk, exchange.negotiation
        self.exchanges.remove(exchange)
        desk.statistics.negotiation_failures += 1
        if failure.reason in AUTHENTICATION_FAILURES:
            desk.statistics.authentication_failures += 1
        if isinstance(negotiation, MainMode):
            self._half_open.end((exchange.cky_i, exchange.cky_r))
            desk.record(NegotiationFailed(exchange.path, "main mode", failure))
            self._main_mode_failed(negotiation, failure)
        else:
            again = self.second_chances.deserved(exchange, negotiation, failure)
            desk.record(NegotiationFailed(exchange.path, "quick mode", failure, again))
            self._quick_mode_failed(exchange, negotiation, failure, again=again)

    def _main_mode_failed(self, mm: MainMode, failure: Failure) -> None:
        """The wishes that waited for it will not be granted; some may do without."""
        if mm.role is Role.RESPONDER:
            return
        silence = failure.reason is Reason.TIMED_OUT and failure.step == MM2.waiting
        if silence:
            self._take_for_lost(mm.path.peer.address)
        parked = self._parked.pop(mm.path.hosts, [])
        for wish in parked:
            if wish.authentications == mm.authentications:
                self._give_up(wish)
                if silence:
                    self.soft.begin(wish, SILENCE, self._terms.main_mode(wish.path))
            else:
                self._parked.setdefault(mm.path.hosts, []).append(wish)

    def _take_for_lost(self, peer: IpAddress) -> None:
        """No quick mode of ours can find out whether the peer still has these main mode SAs; its
        silence toward another main mode says that it has not."""
        for sa in self._associations.main_modes_with(peer):
            sa.lost = sa.lost or not sa.usable or sa.is_the_peers

    def _quick_mode_failed(
        self, exchange: Exchange, qm: QuickMode, failure: Failure, *, again: bool
    ) -> None:
        if qm.spi:
            self._desk.remove_pair(qm.spi)
        if failure.decided_by is not Side.PEER and qm.sa.cookies in self._associations.main_modes:
            self._explain(exchange, qm, failure)
        if isinstance(qm.asker, Wish):
            if again:
                self._pursue(qm.asker)
            else:
                self._give_up(qm.asker)
                self.second_chances.note_refusal(exchange, qm, failure)
            self._next_turn(qm.sa.cookies)

    def _explain(self, exchange: Exchange, qm: QuickMode, failure: Failure) -> None:
        """Tell the peer why we refuse, unless it knows of nothing."""
        octets, spoken = exchange.received_octets, exchange.has_spoken
        payload = explanation(qm, failure, octets_max=octets, peer_knows_our_spi=spoken)
        if payload is not None:
            entropy = self._desk.entropy
            self._desk.send(qm.sa.path, informational.protected(qm.sa, payload, entropy))
