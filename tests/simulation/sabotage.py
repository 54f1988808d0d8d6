"""For each scenario: how its rule is taken out of mainmode. Then the scenario must not pass."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mainmode import limits
from mainmode.driver import model as driver
from mainmode.driver.model_packets import Activity
from mainmode.engine import (
    engine,
    half_open,
    main_mode,
    negotiations,
    quick_mode,
    review,
    soft,
)
from mainmode.engine.associations import MainModeSa
from mainmode.engine.desk import Desk
from mainmode.engine.doubts import Doubts
from mainmode.engine.endings import Endings
from mainmode.engine.envelope import Envelope
from mainmode.engine.exchange import Exchange
from mainmode.engine.fallback import Fallback
from mainmode.engine.negotiations import Negotiations
from mainmode.engine.probes import Probes
from mainmode.engine.rekeying import Rekeying
from mainmode.engine.reliable_delete import ReliableDeletes
from mainmode.engine.review import Review
from mainmode.engine.second_chances import SecondChances
from mainmode.engine.soft import SoftSas
from mainmode.engine.succession import Succession
from mainmode.engine.timers import Timer, TimerKind
from mainmode.engine.vendor_ids import read_untrusted
from mainmode.failures import Failure
from mainmode.model import Mode, Path
from mainmode.numbers import ProtocolId
from mainmode.packets.held import HeldPackets
from mainmode.packets.lifespan import Age, Lifespan
from mainmode.packets.replay import ReplayWindow
from mainmode.policy.model import Action
from mainmode.policy.offers.reading import Reading
from mainmode.policy.selection import Decision, Selection
from mainmode.wire.header import Cookies, Header

Sabotage = Callable[[pytest.MonkeyPatch], None]


def put(owner: object, name: str, thing: object) -> Sabotage:
    """Something else in its place."""
    return lambda patch: patch.setattr(owner, name, thing)


def silence(owner: object, *names: str) -> Sabotage:
    """These do nothing."""

    def sabotage(patch: pytest.MonkeyPatch) -> None:
        for name in names:
            patch.setattr(owner, name, lambda *_args, **_words: None)

    return sabotage


def answer(owner: object, name: str, value: object) -> Sabotage:
    """This always says the same."""
    return put(owner, name, lambda *_args, **_words: value)


def number(name: str, value: object) -> Sabotage:
    return put(limits, name, value)


def both(*each: Sabotage) -> Sabotage:
    def sabotage(patch: pytest.MonkeyPatch) -> None:
        for one in each:
            one(patch)

    return sabotage


# --- what takes more than a word ------------------------------------------------------------------


def no_silence_toward_strangers(
    self: engine.Engine,
    _header: object,
    datagram: bytes,
    path: Path,
    *_rest: object,
) -> None:
    self._desk.send(path, datagram)


def pairs_end_with_main_mode(patch: pytest.MonkeyPatch) -> None:
    end_main_mode = Endings.end_main_mode

    def end(self: Endings, sa: MainModeSa, why: str, *, tell: bool = True) -> None:
        for pair in self._made_under(sa):
            self.end_quick_mode(pair.pair.spi, why, tell=False)
        end_main_mode(self, sa, why, tell=tell)

    patch.setattr(Endings, "end_main_mode", end)


def only_three_at_once(patch: pytest.MonkeyPatch) -> None:
    def read(*args: Any) -> object:  # noqa: ANN401
        return replace(read_untrusted(*args), many_quick_modes=False)

    for room in (main_mode, engine):
        patch.setattr(room, "read_untrusted", read)


def responders_renew(self: Rekeying, spi: int) -> None:
    sa = self._associations.quick_modes.get(spi)
    if sa is not None and sa.role.value == "responder":
        self._negotiations.succession.nears_end(sa)
        self._renew(sa)


def delete_twice(patch: pytest.MonkeyPatch) -> None:
    send = ReliableDeletes.send

    def twice(self: ReliableDeletes, sa: MainModeSa, delete: Any) -> None:  # noqa: ANN401
        send(self, sa, delete)
        send(self, sa, delete)

    patch.setattr(ReliableDeletes, "send", twice)


def fall_back_whatever(self: Fallback, number: int) -> None:
    wish = self._soft.waiting(number)
    if wish is not None:
        self._soft.begin(wish, "for no reason", self._terms.policy.main_mode)


def fall_back_on_hearsay(self: Fallback, exchange: Exchange, _failure: Failure) -> None:
    for wish in self._negotiations.parked(exchange.path):
        self._soft.begin(wish, "somebody says so", self._terms.policy.main_mode)


def wait_for_renewal(self: Rekeying, cookies: Cookies) -> None:
    """Also of what is lost."""
    sa = self._associations.main_modes[cookies]
    if self._negotiations.main_modes_between(sa.path):
        timer = Timer(TimerKind.MAIN_MODE_LIFETIME, (*cookies, 0))
        self._desk.timers.set(timer, self._desk.now + limits.RENEWAL_WAIT_S)
    else:
        self._endings.end_main_mode(sa, "its lifetime has passed")


def fail_on_hearsay(self: Exchange, failure: Failure) -> bool:
    self.fail(failure)
    return True


def known_by_its_cookie(
    self: half_open.HalfOpenMainModes, _datagram: bytes, header: Header, path: Path
) -> bool:
    return (path, header.cky_i) in self._by_initiator


def esp_is_meant(patch: pytest.MonkeyPatch) -> None:
    about_pair = Doubts.about_pair

    def about_esp(self: Doubts, path: Path, _protocol: ProtocolId, spi: int) -> None:
        about_pair(self, path, ProtocolId.ESP, spi)

    patch.setattr(Doubts, "about_pair", about_esp)


def everybody_is_watched(patch: pytest.MonkeyPatch) -> None:
    begin = Probes.begin

    def watch(self: Probes, sa: MainModeSa) -> None:
        settings = replace(self._terms.policy.main_mode, dead_peer_s=20.0)
        policy = replace(self._terms.policy, main_mode=settings)
        patch.setattr(self._terms.selection, "policy", policy)
        begin(self, sa)

    patch.setattr(Probes, "begin", watch)


def time_must_not_go_back(patch: pytest.MonkeyPatch) -> None:
    begin = Desk.begin

    def strict(self: Desk, now: float) -> None:
        assert now >= self.now
        begin(self, now)

    patch.setattr(Desk, "begin", strict)


def unused_pairs_are_renewed(patch: pytest.MonkeyPatch) -> None:
    at = Lifespan._at

    def as_if_used(self: Lifespan, now: float, octets: int, sequence: int) -> Age:
        return at(self, now, max(octets, 1), sequence)

    patch.setattr(Lifespan, "_at", as_if_used)


BLOCKED = Decision(Action.BLOCK, None, None, None, Mode.TRANSPORT, ("whatever",))

SABOTAGES: dict[str, Sabotage] = {
    # retransmission
    "retry-cycle": put(Exchange, "retry", Exchange.time_out),
    "answer-stops-retries": silence(Exchange, "_disarm"),
    "lost-answer": silence(Exchange, "_answer_duplicate"),
    "lost-last-message": silence(Exchange, "_answer_duplicate"),
    "last-message-never-comes": silence(negotiations, "explanation"),
    "duplicates": answer(half_open.HalfOpenMainModes, "known", False),
    "answers-are-limited": number("DUPLICATE_REPLIES_MAX", 100),
    # half-open main modes
    "half-open-forgotten": silence(half_open.HalfOpenMainModes, "expire"),
    "half-open-bound": answer(half_open.HalfOpenMainModes, "has_room", True),
    "half-open-and-policy": answer(Review, "half_open", True),
    "strangers": put(engine.Engine, "_refuse_offer", no_silence_toward_strangers),
    "spoilt-message-1": put(half_open.HalfOpenMainModes, "known", known_by_its_cookie),
    # negotiating
    "held-packets": answer(HeldPackets, "release", []),
    "held-packets-bound": number("HELD_PACKETS_PER_FLOW_MAX", 100),
    "held-packets-given-up": number("HELD_PACKET_S", 100.0),
    "both-at-once": silence(Succession, "_settle"),
    "any-number-at-once": only_three_at_once,
    "quick-modes-of-a-main-mode": silence(MainModeSa, "begin_quick_mode"),
    "master-key-pfs": silence(MainModeSa, "begin_quick_mode"),
    "shorter-lifetime": put(Reading, "lifetime_within", lambda _self, own: own),
    "refusal": silence(negotiations, "explanation"),
    "main-mode-used-up": answer(SecondChances, "_another_main_mode", False),
    "master-key-pfs-at-once": put(MainModeSa, "is_the_peers", False),
    "refusal-holds": number("REFUSAL_PAUSE_S", 0.0),
    "no-negotiation": answer(Selection, "decide", BLOCKED),
    # restarts
    "initial-contact": silence(Endings, "forgotten_by_peer"),
    "unknown-spi": silence(Doubts, "about_pair"),
    "unknown-spi-under-main-mode": silence(Doubts, "about_pair"),
    "lost-main-mode": answer(SecondChances, "_another_main_mode", False),
    "dead-service": silence(driver.ModelDriver, "close"),
    "goodbye": silence(Endings, "end_everything"),
    "lost-main-mode-ends": put(Rekeying, "main_mode_ends", wait_for_renewal),
    "dead-peer": silence(Probes, "begin"),
    "no-probes": everybody_is_watched,
    "unknown-spi-of-ah": esp_is_meant,
    "initial-contact-through-another-port": put(Path, "has_ends_of", Path.__eq__),
    # endings
    "disconnect": silence(Endings, "end_all_with"),
    "idle-pair": answer(engine.Engine, "idle", []),
    "busy-pair": answer(Activity, "note", False),
    "main-mode-lifetime": silence(Rekeying, "main_mode_ends"),
    "pair-outlives-main-mode": pairs_end_with_main_mode,
    "main-mode-renewal": silence(Negotiations, "make_main_mode"),
    "reliable-delete": silence(ReliableDeletes, "ring"),
    "reliable-delete-gives-up": number("DELETE_RETRY_INTERVALS_S", (1.0,) * 20),
    "plain-delete": delete_twice,
    "new-policy": answer(Review, "quick_mode", True),
    "new-algorithms": answer(review, "_offers", True),
    "main-mode-timeout": silence(Rekeying, "main_mode_ends"),
    "new-key": answer(Review, "_same_secret", True),
    "overtaken-delete": silence(ReliableDeletes, "remember"),
    # rekeying
    "rekey-by-time": silence(Rekeying, "near_end"),
    "unused-pair": unused_pairs_are_renewed,
    "rekey-by-volume": silence(Rekeying, "near_end"),
    "who-renews": put(Rekeying, "near_end", responders_renew),
    "who-renews-else": number("REKEY_PATIENCE_S", 20.0),
    "old-pair-retires": silence(Succession, "used"),
    "old-pair-retires-unused": number("RETIREMENT_S", 20.0),
    "hard-end": answer(engine.Engine, "expired", []),
    "renewed-twice": silence(Succession, "_settle"),
    # clear traffic
    "soft-sa": silence(Fallback, "ring"),
    "soft-sa-inbound": silence(Fallback, "ring"),
    "no-soft-sa": answer(soft, "allowed", True),
    "no-soft-sa-with-answers": put(Fallback, "ring", fall_back_whatever),
    "no-soft-tunnel": answer(soft, "allowed", True),
    "soft-sa-secured": silence(SoftSas, "secured"),
    "soft-sa-idle": answer(engine.Engine, "soft_idle", []),
    "soft-sa-lifetime": silence(Fallback, "try_again"),
    "soft-sa-after-loss": answer(SecondChances, "_another_main_mode", False),
    "soft-sa-beside-used-up": silence(Negotiations, "_take_for_lost"),
    "soft-sa-ended": silence(SoftSas, "end_all_with"),
    "soft-sa-and-new-policy": answer(Review, "wish", True),
    "soft-sa-on-mismatch": silence(Fallback, "mismatched"),
    "no-soft-sa-on-mismatch": put(Fallback, "mismatched", fall_back_on_hearsay),
    "accept-unsecured": silence(driver.ModelDriver, "_let_in"),
    # a driver that refuses
    "no-spi": answer(quick_mode, "done", 0),
    "no-spi-there": silence(negotiations, "explanation"),
    "no-inbound-there": silence(negotiations, "explanation"),
    "no-outbound": silence(negotiations, "explanation"),
    "no-outbound-there": silence(negotiations, "explanation"),
    # forgery
    "notifications-in-clear": put(Exchange, "note", fail_on_hearsay),
    "extended-message": silence(Envelope, "require_padding"),
    "clear-packet": put(
        driver.ModelDriver, "_let_in", lambda self, packet: self._deliver(packet, 0)
    ),
    "replayed-packet": answer(ReplayWindow, "permits", True),
    "changed-packet": answer(driver, "seal", b""),
    "forged-spis": answer(Doubts, "_may_doubt", True),
    "wrong-key": silence(Exchange, "_suspect"),
    "replayed-messages": silence(MainModeSa, "use"),
    "damaged-nat-d": answer(SecondChances, "_doubts_nat", False),
    # clocks
    "forward": answer(engine.Engine, "expired", []),
    "back": time_must_not_go_back,
}
