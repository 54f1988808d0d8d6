"""Which policy is in force: assigning, trials, and what comes back."""

import asyncio
from collections.abc import Callable, Coroutine
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, cast

import pytest

from mainmode import limits
from mainmode.auth.credentials import Credentials
from mainmode.errors import DriverError, PersonError
from mainmode.model import IpAddress
from mainmode.policy.document import NOTHING_ASSIGNED
from mainmode.policy.model import PlaceKind, Policy, Rule
from mainmode.policy.selection import Selection
from mainmode.policy.settings import Settings
from mainmode.service import assignment as assignment_module
from mainmode.service.addresses import OwnAddresses
from mainmode.service.assignment import Assignment
from mainmode.service.audit import AuditStore
from mainmode.service.source import Wanted
from tests.policy.policies import BLOCK, HERE, OTHER, PEER, rule, traffic
from tests.service.fakes import ScriptedDriver
from tests.service.virtual_time import VirtualLoop

if TYPE_CHECKING:
    from mainmode.service.door import Door


class Shelf:
    """A policy source with several policies."""

    file, store = "", "/shelf"

    def __init__(self) -> None:
        self.assigned = "first"
        self.broken: set[str] = set()
        self.writable = True
        self.rules: dict[str, tuple[Rule, ...]] = {}
        self.general = Settings()

    def read(self, instead: str | None = None) -> Wanted:
        name = self.assigned if instead is None else instead
        if name in self.broken:
            raise PersonError(f"policy {name!r} is broken", line=3)
        policy = Policy(name or NOTHING_ASSIGNED, self.rules.get(name, ()))
        return Wanted(policy, Credentials({}), self.general)

    def assign(self, name: str) -> None:
        if not self.writable:
            raise PersonError("the store cannot be written")
        self.assigned = name

    def started(self) -> None:
        pass

    def stopped(self) -> None:
        pass


class Doorman:
    """Stands in for the door: what the engine negotiates by."""

    def __init__(self) -> None:
        self.selections: list[str] = []
        self.selectors: list[str] = []
        self.exempt = -1

    def assign(self, selection: Selection, credentials: Credentials) -> None:
        self.selections.append(selection.policy.name)
        self.exempt = selection.settings.exempt
        self.selectors = [str(each.selector.remote) for each in selection.ordered]


class Stage:
    """An assignment with everything around it."""

    def __init__(self) -> None:
        self.shelf = Shelf()
        self.driver = ScriptedDriver()
        self.door = Doorman()
        self.audit = AuditStore()
        self.assignment = Assignment(self.shelf, (ip_address("127.0.0.1"),), (500, 4500))
        self.assignment.attach(self.driver, cast("Door", self.door), self.audit)

    @property
    def enforced(self) -> str:
        """What the driver was told last."""
        return str(self.driver.calls[-1][1])

    @property
    def events(self) -> list[str]:
        return [type(entry.event).__name__ for entry in self.audit.since(0)]


def on_stage(case: Callable[[Stage], Coroutine[Any, Any, None]]) -> Stage:
    """Play a case in virtual time."""
    stage = Stage()
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(case(stage))
    return stage


# --- for good -------------------------------------------------------------------------------------


def test_an_assigned_policy_is_in_force_and_in_the_store() -> None:
    async def case(stage: Stage) -> None:
        assert stage.assignment.assign("second") == "second"
        assert (stage.enforced, stage.door.selections) == ("second", ["second"])
        assert stage.shelf.assigned == "second"
        assert stage.assignment.assign("") == NOTHING_ASSIGNED
        assert stage.shelf.assigned == ""

    on_stage(case)


def test_a_broken_policy_changes_nothing() -> None:
    async def case(stage: Stage) -> None:
        stage.shelf.broken = {"second"}
        with pytest.raises(PersonError, match="policy 'second' is broken"):
            stage.assignment.assign("second")
        assert stage.shelf.assigned == stage.assignment.policy.name == "first"
        assert stage.events == ["PolicyRefused"]

    on_stage(case)


def test_a_policy_that_the_driver_refuses_changes_nothing() -> None:
    async def case(stage: Stage) -> None:
        stage.driver.failures["assign"] = DriverError("nft does not take it")
        with pytest.raises(PersonError, match="nft does not take it"):
            stage.assignment.assign("second", 300)
        assert stage.shelf.assigned == stage.assignment.policy.name == "first"
        assert stage.assignment.trial is None

    on_stage(case)


def test_a_store_that_cannot_be_written_brings_the_former_policy_back() -> None:
    async def case(stage: Stage) -> None:
        stage.shelf.writable = False
        with pytest.raises(PersonError, match="the store cannot be written"):
            stage.assignment.assign("second")
        assert stage.enforced == "first"

    on_stage(case)


def test_general_settings_are_read_with_the_policy() -> None:
    async def case(stage: Stage) -> None:
        stage.shelf.general = Settings(exempt=1)
        stage.assignment.reload()
        assert stage.door.exempt == 1
        stage.shelf.general = Settings(exempt=2)
        stage.driver.failures["assign"] = DriverError("nft is gone")
        with pytest.raises(PersonError):
            stage.assignment.reload()
        stage.driver.failures.clear()
        stage.shelf.broken = {"second"}
        with pytest.raises(PersonError):
            stage.assignment.assign("second")
        stage.assignment.assign("third")
        assert stage.door.exempt == 2

    on_stage(case)


# --- on trial -------------------------------------------------------------------------------------


def test_an_unconfirmed_policy_goes_in_time_and_not_before() -> None:
    async def case(stage: Stage) -> None:
        stage.assignment.assign("second", 300)
        assert (stage.enforced, stage.shelf.assigned) == ("second", "first")
        await asyncio.sleep(299)
        assert stage.enforced == "second"
        assert stage.assignment.trial is not None
        assert stage.assignment.trial.left_s == pytest.approx(1)
        await asyncio.sleep(2)
        assert (stage.enforced, stage.shelf.assigned) == ("first", "first")
        assert stage.assignment.trial is None

    stage = on_stage(case)
    assert stage.events == ["PolicyAssigned", "TrialEnded", "PolicyAssigned"]


def test_a_confirmed_policy_stays() -> None:
    async def case(stage: Stage) -> None:
        stage.assignment.assign("second", 300)
        await asyncio.sleep(100)
        assert stage.assignment.confirm() == "second"
        assert stage.shelf.assigned == "second"
        await asyncio.sleep(1000)
        assert stage.enforced == "second"

    assert on_stage(case).events[-1] == "PolicyConfirmed"


def test_a_confirmation_that_cannot_be_kept_leaves_it_on_trial() -> None:
    async def case(stage: Stage) -> None:
        stage.assignment.assign("second", 300)
        stage.shelf.writable = False
        with pytest.raises(PersonError, match="cannot be written"):
            stage.assignment.confirm()
        await asyncio.sleep(301)
        assert stage.enforced == "first"

    on_stage(case)


def test_nothing_to_confirm() -> None:
    async def case(stage: Stage) -> None:
        with pytest.raises(PersonError, match="no policy is on trial"):
            stage.assignment.confirm()

    on_stage(case)


def test_a_reload_does_not_end_a_trial() -> None:
    async def case(stage: Stage) -> None:
        stage.assignment.assign("second", 300)
        assert stage.assignment.reload() == "second"
        await asyncio.sleep(301)
        assert stage.enforced == "first"

    on_stage(case)


def test_after_a_second_trial_the_last_confirmed_policy_comes_back() -> None:
    async def case(stage: Stage) -> None:
        stage.assignment.assign("second", 300)
        await asyncio.sleep(200)
        stage.assignment.assign("third", 300)
        await asyncio.sleep(200)
        assert stage.enforced == "third"
        await asyncio.sleep(101)
        assert stage.enforced == "first"

    on_stage(case)


def test_assigning_for_good_ends_a_trial() -> None:
    async def case(stage: Stage) -> None:
        stage.assignment.assign("second", 300)
        stage.assignment.assign("third")
        await asyncio.sleep(301)
        assert (stage.enforced, stage.shelf.assigned) == ("third", "third")

    on_stage(case)


def test_a_driver_that_fails_when_the_former_policy_comes_back_is_reported() -> None:
    async def case(stage: Stage) -> None:
        stage.assignment.assign("second", 300)
        stage.driver.failures["assign"] = DriverError("nft is gone")
        await asyncio.sleep(301)

    stage = on_stage(case)
    assert stage.events[-2:] == ["TrialEnded", "InternalError"]


# --- what is around -------------------------------------------------------------------------------

NAMED = rule("named", BLOCK, traffic("me", "host.example"))
SERVED = rule("served", BLOCK, traffic("me", "dns"))


@pytest.fixture
def one_address(monkeypatch: pytest.MonkeyPatch) -> None:
    only = OwnAddresses(frozenset((HERE,)), frozenset())
    monkeypatch.setattr(assignment_module, "own_addresses", lambda: only)


class Resolver:
    """Answers for every name."""

    def __init__(self) -> None:
        self.answer: tuple[IpAddress, ...] = ()

    async def __call__(self, name: str) -> tuple[IpAddress, ...]:
        if not self.answer:
            raise OSError(0, "nobody knows")
        return self.answer


@pytest.mark.usefixtures("one_address")
def test_a_name_that_gets_another_address_is_assigned_anew() -> None:
    async def case(stage: Stage) -> None:
        resolver = Resolver()
        stage.shelf.rules = {"second": (NAMED,)}
        stage.assignment.start(resolver)
        stage.assignment.assign("second")
        await asyncio.sleep(limits.NAME_RETRY_S - 1)
        assert stage.door.selectors == []
        resolver.answer = (PEER,)
        await asyncio.sleep(limits.NAME_RETRY_S)
        assert set(stage.door.selectors) == {str(PEER)}
        resolver.answer = (OTHER, PEER)
        await asyncio.sleep(limits.NAME_INTERVAL_S)
        assert set(stage.door.selectors) == {str(OTHER), str(PEER)}
        assigned = len(stage.door.selections)
        resolver.answer = ()
        await asyncio.sleep(limits.NAME_INTERVAL_S * 10)
        assert len(stage.door.selections) == assigned == 3
        stage.assignment.close()

    events = on_stage(case).events
    assert events == [
        "PolicyAssigned",
        "NameUnknown",
        "NameChanged",
        "PolicyAssigned",
        "NameChanged",
        "PolicyAssigned",
        "NameUnknown",
    ]


@pytest.mark.usefixtures("one_address")
def test_servers_are_followed_as_long_as_policy_names_them(monkeypatch: pytest.MonkeyPatch) -> None:
    now: tuple[IpAddress, ...] = (PEER,)
    looked: list[object] = []

    def look(kinds: frozenset[PlaceKind]) -> dict[PlaceKind, tuple[IpAddress, ...]]:
        looked.append(kinds)
        return dict.fromkeys(kinds, now)

    monkeypatch.setattr(assignment_module, "servers_now", look)

    async def case(stage: Stage) -> None:
        nonlocal now
        stage.shelf.rules = {"second": (SERVED,)}
        stage.assignment.start(Resolver())
        stage.assignment.assign("second")
        assert set(stage.door.selectors) == {str(PEER)}
        now = (OTHER,)
        await asyncio.sleep(limits.SERVERS_INTERVAL_S + 1)
        assert set(stage.door.selectors) == {str(OTHER)}
        stage.assignment.assign("first")
        looked.clear()
        await asyncio.sleep(limits.SERVERS_INTERVAL_S * 5)
        assert looked == []
        stage.assignment.close()

    on_stage(case)


@pytest.mark.usefixtures("one_address")
def test_a_driver_that_refuses_what_has_changed_is_asked_again_with_the_next_change() -> None:
    async def case(stage: Stage) -> None:
        resolver = Resolver()
        resolver.answer = (PEER,)
        stage.shelf.rules = {"second": (NAMED,)}
        stage.assignment.start(resolver)
        stage.assignment.assign("second")
        stage.driver.failures["assign"] = DriverError("nft is gone")
        await asyncio.sleep(1)
        assert stage.events[-1] == "InternalError"
        stage.driver.failures.clear()
        stage.assignment.follow()
        assert set(stage.door.selectors) == {str(PEER)}
        stage.assignment.close()

    on_stage(case)
