"""The policy store: files, secrets, editors."""

import stat
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from mainmode.errors import PersonError, PolicyError
from mainmode.policy.document import NOTHING_ASSIGNED, Document
from mainmode.policy.edit import (
    assign,
    put_filter_action,
    put_filter_list,
    put_policy,
    put_rule,
    remove_policy,
)
from mainmode.policy.model import Authentication, Method, Policy, Rule
from mainmode.store.place import Location, store_folder
from mainmode.store.store import Store
from tests.policy.policies import NEGOTIATE, rule, traffic

ALL = rule("all", NEGOTIATE, traffic("me", "any"))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def with_rule(document: Document, policy: str, made: Rule) -> Document:
    document = put_filter_list(document, made.filter_list)
    document = put_filter_action(document, made.filter_action)
    return put_rule(put_policy(document, Policy(policy)), policy, made)


def keyed(secret: str) -> Rule:
    return replace(ALL, authentication=(Authentication(Method.PRESHARED_KEY, secret),))


# --- where it is ----------------------------------------------------------------------------------


def test_where_the_store_is() -> None:
    assert store_folder("here", {"XDG_CONFIG_HOME": "/x"}) == Path("here")
    assert store_folder(None, {"XDG_CONFIG_HOME": "/x"}) == Path("/x/mainmode")
    assert store_folder(None, {"XDG_CONFIG_HOME": ""}) == Path("/etc/mainmode")
    assert store_folder(None, {}) == Path("/etc/mainmode")


def test_a_store_that_is_not_there_is_empty(store: Store) -> None:
    assert store.read() == Document()
    assert store.in_force() == Policy(NOTHING_ASSIGNED)
    assert not store.folder.exists()


# --- editing --------------------------------------------------------------------------------------


def test_what_is_saved_is_read_again(store: Store) -> None:
    with store.edit() as draft:
        draft.document = put_policy(draft.document, Policy("p"))
    assert [each.name for each in store.read().policies] == ["p"]
    assert store.read(Location.PERSISTENT) == Document()


def test_an_exception_leaves_everything_as_it_was(store: Store) -> None:
    with store.edit() as draft:
        draft.document = put_policy(draft.document, Policy("p"))
    before = store.file(Location.LOCAL).read_text()

    def fail() -> None:
        with store.edit() as draft:
            draft.document = put_policy(draft.document, Policy("r"))
            draft.keep_secret(b"a secret", "r")
            draft.document = assign(draft.document, "q")

    with pytest.raises(PersonError, match="no policy 'q'"):
        fail()
    assert store.file(Location.LOCAL).read_text() == before
    assert [each.name for each in store.folder.iterdir()] == ["local.toml"]


def test_nothing_changed_is_nothing_written(store: Store) -> None:
    with store.edit():
        pass
    assert list(store.folder.iterdir()) == []


def test_comments_and_permissions_stay(store: Store) -> None:
    with store.edit() as draft:
        draft.document = put_policy(draft.document, Policy("p"))
    file = store.file(Location.LOCAL)
    file.write_text("# ours\n" + file.read_text())
    file.chmod(0o640)
    with store.edit() as draft:
        draft.document = assign(draft.document, "p")
    assert file.read_text().startswith('# ours\nassigned = "p"\n')
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_a_symbolic_link_stays_one(store: Store, tmp_path: Path) -> None:
    store.folder.mkdir()
    real = tmp_path / "elsewhere.toml"
    real.write_text('assigned = ""\n')
    store.file(Location.LOCAL).symlink_to(real)
    with store.edit() as draft:
        draft.document = put_policy(draft.document, Policy("p"))
    assert store.file(Location.LOCAL).is_symlink()
    assert "[[policy]]" in real.read_text()


def test_a_broken_file_is_a_mistake_with_its_line(store: Store) -> None:
    store.folder.mkdir()
    store.file(Location.LOCAL).write_text("[[policy]]\nnmae = 1\n")
    with pytest.raises(PolicyError) as caught, store.edit():
        raise AssertionError("nobody gets a draft of it")
    assert {mistake.line for mistake in caught.value.mistakes} == {1, 2}


def test_a_person_who_edits_meanwhile_is_not_overruled(store: Store) -> None:
    with store.edit() as draft:
        draft.document = put_policy(draft.document, Policy("p"))
    file = store.file(Location.LOCAL)

    def beside_a_person() -> None:
        with store.edit() as draft:
            file.write_text("# by hand\n")
            draft.document = assign(draft.document, "p")

    with pytest.raises(PersonError, match="changed meanwhile"):
        beside_a_person()
    assert file.read_text() == "# by hand\n"


def test_two_locations_at_once(store: Store) -> None:
    with store.edit() as local, store.edit(Location.PERSISTENT) as persistent:
        names = local.keep_secret(b"one", "r"), persistent.keep_secret(b"two", "r")
        local.document = with_rule(local.document, "l", keyed(names[0]))
        persistent.document = with_rule(persistent.document, "p", keyed(names[1]))
    assert [(store.folder / name).read_bytes() for name in names] == [b"one", b"two"]
    assert store.read().policies[0].name == "l"
    assert store.read(Location.PERSISTENT).policies[0].name == "p"


def test_editors_wait_for_each_other(store: Store) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slowly() -> None:
        with Store(store.folder).edit() as draft:
            begun.set()
            go_on.wait(10)
            draft.document = put_policy(draft.document, Policy("slow"))

    def next_one() -> None:
        with Store(store.folder).edit() as draft:
            draft.document = put_policy(draft.document, Policy("next"))

    first, second = threading.Thread(target=slowly), threading.Thread(target=next_one)
    first.start()
    begun.wait(10)
    second.start()
    second.join(0.2)
    assert second.is_alive()
    go_on.set()
    first.join(10)
    second.join(10)
    assert [each.name for each in store.read().policies] == ["slow", "next"]


def test_an_impatient_editor_does_not_wait(store: Store) -> None:
    impatient = Store(store.folder, patient=False)
    with store.edit():
        with (
            pytest.raises(PersonError, match="somebody else is changing the store"),
            impatient.edit(),
        ):
            raise AssertionError("nobody gets a draft of it")
        assert impatient.read() == Document()
    with impatient.edit() as draft:
        draft.document = put_policy(draft.document, Policy("p"))


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(PersonError, match=r"file.*\n  fix: use sudo"),
        Store(tmp_path / "file" / "store").edit(),
    ):
        raise AssertionError("nobody gets a draft of it")


# --- preshared keys -------------------------------------------------------------------------------


def test_a_key_gets_a_file_that_only_its_owner_can_read(store: Store) -> None:
    with store.edit() as draft:
        name = draft.keep_secret(b"never shown", "Branch Office!")
        assert draft.read_secret(name) == b"never shown"
        draft.document = with_rule(draft.document, "p", keyed(name))
    assert name == "keys/branch-office.psk"
    file = store.folder / name
    assert file.read_bytes() == b"never shown"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert "never shown" not in store.file(Location.LOCAL).read_text()


def test_the_same_key_for_the_same_purpose_is_one_file(store: Store) -> None:
    with store.edit() as draft:
        first = draft.keep_secret(b"one", "r")
        assert draft.keep_secret(b"one", "r") == first
        assert draft.keep_secret(b"two", "r") == "keys/r-2.psk"
        draft.document = with_rule(draft.document, "p", keyed(first))
    assert [each.name for each in (store.folder / "keys").iterdir()] == ["r.psk"]
    with store.edit() as draft:
        assert draft.keep_secret(b"one", "r") == first
        assert draft.keep_secret(b"two", "r") == "keys/r-2.psk"


def test_a_key_goes_with_the_last_policy_that_names_it(store: Store) -> None:
    store.folder.mkdir()
    (store.folder / "own.psk").touch(0o600)
    with store.edit() as draft, store.edit(Location.PERSISTENT) as persistent:
        name = draft.keep_secret(b"one", "r")
        methods = tuple(keyed(each).authentication[0] for each in (name, "own.psk"))
        made = replace(ALL, authentication=methods)
        draft.document = with_rule(draft.document, "p", made)
        persistent.document = with_rule(persistent.document, "p", keyed(name))
    with store.edit() as draft:
        draft.document = remove_policy(draft.document, "p")
    assert (store.folder / name).exists(), "persistent policy names it too"
    with store.edit(Location.PERSISTENT) as draft:
        draft.document = remove_policy(draft.document, "p")
    assert not (store.folder / name).exists()
    assert (store.folder / "own.psk").exists(), "the store did not make this one"


@pytest.mark.parametrize("key", [b"", b"x" * 4_097])
def test_what_is_no_key(store: Store, key: bytes) -> None:
    with store.edit() as draft, pytest.raises(PersonError, match="has 1 to 4096 octets"):
        draft.keep_secret(key, "r")


# --- in force -------------------------------------------------------------------------------------


def test_all_locations_are_in_force_together(store: Store) -> None:
    for location in Location:
        with store.edit(location) as draft:
            document = with_rule(draft.document, location.value, replace(ALL, name=location.value))
            chosen = "" if location is Location.DYNAMIC else location.value
            draft.document = assign(put_policy(document, Policy("other")), chosen)
    found = store.in_force()
    assert [each.name for each in found.rules] == ["dynamic", "persistent", "local"]
    instead = store.in_force("other")
    assert [each.name for each in instead.rules] == ["dynamic", "persistent"]
    assert [each.policy.name for each in store.assigned("", dynamic=False).files] == ["persistent"]
    with pytest.raises(PersonError, match="no policy 'none'"):
        store.in_force("none")


def test_a_location_can_be_forgotten(store: Store) -> None:
    with store.edit(Location.DYNAMIC) as draft:
        name = draft.keep_secret(b"one", "r")
        draft.document = with_rule(draft.document, "p", keyed(name))
    store.remove(Location.DYNAMIC)
    store.remove(Location.DYNAMIC)
    assert not store.file(Location.DYNAMIC).exists()
    assert not (store.folder / name).exists()
    store.file(Location.DYNAMIC).write_text("[broken")
    store.remove(Location.DYNAMIC)
    assert not store.file(Location.DYNAMIC).exists()
