"""Where the service takes its policy from."""

from dataclasses import replace
from pathlib import Path

import pytest

from mainmode.errors import PersonError, PolicyError
from mainmode.policy.document import document_of
from mainmode.policy.edit import assign, merged, put_policy
from mainmode.policy.model import Authentication, Method, Policy
from mainmode.policy.settings import Settings
from mainmode.service.source import FileSource, StoreSource
from mainmode.store.place import Location
from mainmode.store.store import Store
from tests.policy.policies import NEGOTIATE, rule, traffic


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Two policies with a key each, the first assigned."""
    store = Store(tmp_path)
    with store.edit() as draft:
        for name in ("first", "second"):
            key = Authentication(Method.PRESHARED_KEY, draft.keep_secret(name.encode(), name))
            made = rule(name, replace(NEGOTIATE, name=name), traffic("me", "any"))
            made = replace(made, authentication=(key,))
            draft.document = merged(draft.document, document_of(Policy(name, (made,))))
        draft.document = assign(draft.document, "first")
    return store


def test_the_assigned_policy_with_its_secrets(store: Store) -> None:
    policy, credentials, _ = StoreSource(store).read()
    assert policy.name == "first"
    assert credentials.preshared_key("keys/first.psk") == b"first"
    with pytest.raises(KeyError):
        credentials.preshared_key("keys/second.psk")


def test_another_one_on_trial(store: Store) -> None:
    policy, credentials, _ = StoreSource(store).read("second")
    assert policy.name == "second"
    assert credentials.preshared_key("keys/second.psk") == b"second"
    assert StoreSource(store).read("")[0].rules == ()
    with pytest.raises(PersonError, match="there is no policy 'third'"):
        StoreSource(store).read("third")


def test_a_secret_that_is_wrong_is_told_with_file_and_line(store: Store) -> None:
    (store.folder / "keys" / "first.psk").chmod(0o644)
    with pytest.raises(PolicyError) as caught:
        StoreSource(store).read()
    [mistake] = caught.value.mistakes
    text = store.file(Location.LOCAL).read_text().splitlines()
    assert mistake.file == str(store.file(Location.LOCAL))
    assert "keys/first.psk" in text[mistake.line - 1]


def test_general_settings_stand_beside_the_policies(store: Store, tmp_path: Path) -> None:
    assert StoreSource(store).read().settings == Settings()
    with store.edit() as draft:
        draft.document = replace(draft.document, settings=Settings(exempt=0))
    assert StoreSource(store).read().settings.exempt == 0
    file = tmp_path / "policy.toml"
    file.write_text('[policy]\nname = "only"\n[settings]\nexempt = 2\n')
    assert FileSource(file).read().settings.exempt == 2


def test_assigning_writes_the_store(store: Store) -> None:
    StoreSource(store).assign("second")
    assert store.read().assigned == "second"


def test_what_is_dynamic_lives_as_long_as_the_service(store: Store) -> None:
    source = StoreSource(store)
    for before in (True, False):
        with store.edit(Location.DYNAMIC) as draft:
            draft.document = put_policy(draft.document, Policy("dynamic"))
        if before:
            assert source.read()[0].name == "first", "left over from a service that was killed"
            source.started()
            assert not store.file(Location.DYNAMIC).exists()
    assert source.read()[0].name == "first + dynamic"
    source.stopped()
    assert not store.file(Location.DYNAMIC).exists()


def test_a_file_has_one_policy(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text('[policy]\nname = "only"\n')
    source = FileSource(file)
    assert (source.file, source.store) == (str(file), "")
    assert source.read()[0].name == "only"
    for call in (source.assign, source.read):
        with pytest.raises(PersonError, match=f"takes its policy from {file}, not from a store"):
            call("other")
