"""More sabotages: of what peers are believed, and of what two policies come to."""

from dataclasses import replace
from importlib import import_module
from typing import Any

import pytest

from mainmode import limits
from mainmode.engine import engine, informational, main_mode, quick_mode
from mainmode.engine.associations import Associations, MainModeSa
from mainmode.engine.endings import Endings
from mainmode.engine.events import MainModeEnded
from mainmode.engine.exchange import Exchange
from mainmode.engine.negotiations import Negotiations
from mainmode.engine.notices import Notices
from mainmode.engine.quick_mode import QuickMode
from mainmode.engine.soft import SoftSas
from mainmode.engine.timers import Timer, TimerKind
from mainmode.engine.vendor_ids import Capabilities, read_untrusted
from mainmode.engine.wishes import Wish
from mainmode.errors import Malformed
from mainmode.failures import Failure
from mainmode.model import IpAddress, Path, SaPair
from mainmode.policy import selection, weak
from mainmode.policy.model import FilterAction, MainModeSettings
from mainmode.policy.offers.reading import Reading
from mainmode.testing.simulation.scenarios.others import CONNECTED
from mainmode.wire.header import HEADER_OCTETS, Header
from mainmode.wire.message import Payloads, parse_payloads_untrusted
from mainmode.wire.payloads import Delete, VendorId
from tests.simulation.sabotage import Sabotage, answer, number, put, silence

choosing = import_module("mainmode.policy.offers.quick_mode")
"""Its package has functions of the same name."""


def always(owner: object, name: str, value: object) -> Sabotage:
    """An attribute that nothing changes, whether the owner has it or not."""
    fixed = property(lambda _self: value, lambda _self, _value: None)
    return lambda patch: patch.setattr(owner, name, fixed, raising=False)


def peers_can(**capabilities: bool) -> Sabotage:
    """Whatever they promise."""
    changed: dict[str, Any] = {**capabilities}

    def read(*args: Any) -> Capabilities:  # noqa: ANN401
        return replace(read_untrusted(*args), **changed)

    def sabotage(patch: pytest.MonkeyPatch) -> None:
        for room in (main_mode, engine):
            patch.setattr(room, "read_untrusted", read)

    return sabotage


def read_the_first_spi(patch: pytest.MonkeyPatch) -> None:
    deleted = Endings.deleted_by_peer

    def of_one(self: Endings, carrier: MainModeSa, delete: Delete) -> None:
        deleted(self, carrier, replace(delete, spis=delete.spis[:1]))

    patch.setattr(Endings, "deleted_by_peer", of_one)


def read_the_first_payload(patch: pytest.MonkeyPatch) -> None:
    opened = informational.opened

    def one(*args: Any) -> Payloads:  # noqa: ANN401
        return Payloads.of(opened(*args).items[:2])  # behind the HASH

    patch.setattr(informational, "opened", one)


def group_of_main_mode(action: FilterAction, group: object) -> object:
    return group if action.session_pfs else None


def offer_des_to_everybody(patch: pytest.MonkeyPatch) -> None:
    main_mode_toward = selection.Selection.main_mode

    def weakly(self: selection.Selection, *hosts: IpAddress) -> MainModeSettings:
        return weak.toward_windows_2000(main_mode_toward(self, *hosts))

    patch.setattr(selection.Selection, "main_mode", weakly)


def believe_deletes_in_clear(patch: pytest.MonkeyPatch) -> None:
    in_clear = Notices._in_clear

    def believe(self: Notices, header: Header, datagram: bytes, path: Path) -> None:
        sa = self._associations.main_modes.get((header.cky_i, header.cky_r))
        try:
            said = parse_payloads_untrusted(header.next_payload, datagram, HEADER_OCTETS)
        except Malformed:
            said = Payloads.of(())
        for delete in said.all(Delete):
            if sa is not None:
                self._endings.deleted_by_peer(sa, delete)
        in_clear(self, header, datagram, path)

    patch.setattr(Notices, "_in_clear", believe)


def say_so_and_go_on(self: Endings, sa: MainModeSa, why: str, *, tell: bool = True) -> None:
    """A delete of a main mode SA is no more than a word."""
    if not tell:
        return
    self.reliable.send(sa, informational.delete_main_mode(sa))
    timer = Timer(TimerKind.MAIN_MODE_LIFETIME, (*sa.cookies, 0))
    self._desk.timers.set(timer, self._desk.now + 1_000.0)
    self._desk.record(MainModeEnded(sa.path, *sa.cookies, why))


def delete_at_the_limit(patch: pytest.MonkeyPatch) -> None:
    done = Negotiations._quick_mode_done

    def done_with_it(self: Negotiations, exchange: Exchange, qm: QuickMode, pair: SaPair) -> None:
        done(self, exchange, qm, pair)
        if not qm.sa.usable:
            self._endings.end_main_mode(qm.sa, "used up")

    patch.setattr(Negotiations, "_quick_mode_done", done_with_it)


def every_quick_mode_is_a_later_one(patch: pytest.MonkeyPatch) -> None:
    for name in ("quick_modes", "quick_modes_begun"):
        always(MainModeSa, name, 1)(patch)


def wait_three_seconds(patch: pytest.MonkeyPatch) -> None:
    expect = SoftSas.expect

    def wait(self: SoftSas, wish: Wish, settings: MainModeSettings) -> None:
        expect(self, wish, replace(settings, fallback_after_s=limits.FALLBACK_S))

    patch.setattr(SoftSas, "expect", wait)


def do_not_say_who_says_so(patch: pytest.MonkeyPatch) -> None:
    begin = SoftSas.begin

    def plainly(self: SoftSas, wish: Wish, why: str, settings: MainModeSettings) -> None:
        begin(self, wish, why.replace(" (unauthenticated)", ""), settings)

    patch.setattr(SoftSas, "begin", plainly)


def whatever_stands(patch: pytest.MonkeyPatch) -> None:
    begin = SoftSas.begin

    def unaware(self: SoftSas, *of: Any) -> None:  # noqa: ANN401
        with pytest.MonkeyPatch.context() as meanwhile:
            answer(Associations, "main_modes_with", ())(meanwhile)
            begin(self, *of)

    patch.setattr(SoftSas, "begin", unaware)


def first_messages_end_soft_sas(patch: pytest.MonkeyPatch) -> None:
    vendor_ids_for = Negotiations.vendor_ids_for

    def answer_and_end(self: Negotiations, path: Path, can: Capabilities) -> list[VendorId]:
        self.soft.end_all_with(path.peer.address, "somebody begins")
        return vendor_ids_for(self, path, can)

    patch.setattr(Negotiations, "vendor_ids_for", answer_and_end)


def hear_everybody(self: Notices, _header: Header, _path: Path) -> list[Exchange]:
    return list(self._negotiations.exchanges.under_way())


SABOTAGES_OF_TERMS: dict[str, Sabotage] = {
    # what two policies come to
    "key-refresh": put(quick_mode, "pfs_group", lambda _action, group: group),
    "session-key-pfs": answer(quick_mode, "pfs_group", None),
    "session-key-pfs-group": put(quick_mode, "pfs_group", group_of_main_mode),
    "session-key-pfs-wanted": answer(choosing, "pfs_group", None),
    "responder-lifetime": answer(quick_mode, "responder_lifetime", []),
    "longer-lifetime": put(Reading, "lifetime_within", lambda _self, own: own),
    "lifetime-at-one-side": silence(Endings, "_tell"),
    "retry-intervals": always(MainModeSettings, "retry_intervals_s", limits.RETRY_INTERVALS_S),
    "windows-2000-peer": put(selection, "toward_windows_2000", lambda settings: settings),
    "windows-2000-peer-with-strong-encryption": put(
        weak, "_then_weak_quick", weak._only_weak_quick
    ),
    "weak-host": put(selection, "as_enforced", lambda policy: policy),
    "vendor-ids-weaken-nothing": offer_des_to_everybody,
    "failure-says-where": put(Failure, "at", lambda self, _step: self),
    # peers that are not mainmode
    "three-at-once": number("QUICK_MODES_AT_ONCE", 100),
    "commit-bit": peers_can(microsoft=False),
    "commit-bit-and-silence": peers_can(microsoft=False),
    "commit-bit-of-others": peers_can(microsoft=True),
    "fast-failover": peers_can(fast_failover=False),
    "cluster-member": always(MainModeSettings, "in_cluster", value=False),
    "probes-are-answered": answer(informational, "alive", CONNECTED),
    "probes-need-a-promise": peers_can(answers_probes=True),
    "several-spis": read_the_first_spi,
    "several-payloads": read_the_first_payload,
    # what is believed of whom
    "delete-in-clear": believe_deletes_in_clear,
    "after-our-delete": put(Endings, "end_main_mode", say_so_and_go_on),
    "after-their-delete": silence(Endings, "_main_mode_deleted"),
    "first-quick-mode-times-out": every_quick_mode_is_a_later_one,
    "second-quick-mode-times-out": always(Exchange, "timed_out", value=False),
    "used-up-main-mode-stays": delete_at_the_limit,
    "soft-sa-goes-on-asking": put(Exchange, "retry", Exchange.time_out),
    "first-contact": answer(Negotiations, "_first_contact", True),
    "brief-interval": wait_three_seconds,
    "refusal-is-unauthenticated": do_not_say_who_says_so,
    "refusal-of-others": put(Notices, "_about", hear_everybody),
    "no-soft-sa-beside-main-mode": whatever_stands,
    "forged-first-message": first_messages_end_soft_sas,
    "secured-by-the-peer": silence(SoftSas, "secured"),
    "soft-sas-are-visible": put(SoftSas, "__iter__", lambda _self: iter(())),
    "initial-contact-of-the-responder": silence(Endings, "forgotten_by_peer"),
}
