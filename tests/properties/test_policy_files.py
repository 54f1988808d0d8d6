"""Laws of policy files: they can say everything, changes keep the rest, and damage is a mistake
with a line."""

import tomllib
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields
from pathlib import Path
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from mainmode.errors import PolicyError
from mainmode.policy.document import Document
from mainmode.policy.model import (
    Authentication,
    DefaultResponse,
    Filter,
    FilterAction,
    FilterList,
    MainModeSettings,
    Policy,
    QuickModeOffer,
    Rule,
)
from mainmode.policy.reading import read_document
from mainmode.policy.schema import policy_schema
from mainmode.policy.settings import BootExemption, Settings
from mainmode.policy.units import format_duration, format_volume, parse_volume, parse_whole_duration
from mainmode.policy.writing import written
from tests.properties.documents import documents, edited, lone_documents

_SLOW = settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
FILE = Path("policy.toml")


def read(text: str) -> Document:
    return read_document(text.encode(), FILE).document


def test_a_policy_file_can_say_everything(stores: int) -> None:
    """Written once more it stays as it is, and editors have nothing to say against it."""
    schema = Draft7Validator(policy_schema())

    @settings(_SLOW, max_examples=stores)
    @given(documents())
    def there_and_back(document: Document) -> None:
        text = written(document)
        assert read(text) == document
        assert written(document, text) == text
        assert list(schema.iter_errors(tomllib.loads(text))) == []

    there_and_back()


@_SLOW
@given(lone_documents())
def test_a_policy_by_itself_can_say_everything(document: Document) -> None:
    text = written(document, one=True)
    found = read_document(text.encode(), FILE)
    assert found.has_one
    assert found.document == document
    assert written(document, text) == text


@_SLOW
@given(st.data(), documents())
def test_a_changed_document_takes_the_place_of_the_old_one(
    data: st.DataObject, document: Document
) -> None:
    after = data.draw(edited(document))
    text = written(after, f"# first\n{written(document)}")
    assert text.startswith("# first\n")
    assert read(text) == after
    assert written(after, text) == text


@given(st.text(), st.text())
def test_any_text_may_stand_in_a_description(before: str, after: str) -> None:
    old, new = (Document((Policy("p", description=each),)) for each in (before, after))
    text = written(old)
    assert read(text) == old
    assert read(written(new, f"# first\n{text}")) == new


_PARTS = (
    Document,
    Settings,
    BootExemption,
    Policy,
    DefaultResponse,
    MainModeSettings,
    Rule,
    FilterList,
    Filter,
    FilterAction,
    QuickModeOffer,
    Authentication,
)


def _parts(document: Document) -> Iterator[object]:
    yield document
    yield document.settings
    yield from document.settings.boot_exemptions
    for filter_list in document.filter_lists:
        yield filter_list
        yield from filter_list.filters
    for action in document.filter_actions:
        yield action
        yield from action.offers
    for policy in document.policies:
        response = policy.default_response
        yield from (policy, policy.main_mode, response, *response.offers, *response.authentication)
        for rule in policy.rules:
            yield from (rule, *rule.authentication)
            if rule.main_mode is not None:
                yield rule.main_mode


def _default(field: Field[object]) -> object:
    return field.default if field.default_factory is MISSING else field.default_factory()


def test_the_documents_above_set_every_field_of_the_model() -> None:
    """So a new field comes into the strategy, and with that into the form of policy files."""
    seen: set[tuple[type, str]] = set()

    @settings(_SLOW, max_examples=150, derandomize=True, database=None)
    @given(documents())
    def look(document: Document) -> None:
        for part in _parts(document):
            for field in fields(part):  # type: ignore[arg-type]
                if getattr(part, field.name) != _default(field):
                    seen.add((type(part), field.name))

    look()
    assert {(part, field.name) for part in _PARTS for field in fields(part)} - seen == set()


@_SLOW
@given(document=documents(), random=st.randoms(use_true_random=False))
def test_a_damaged_policy_file_is_read_or_refused(document: Document, random: Random) -> None:
    text = list(written(document))
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(text))
        text[at : at + random.randint(0, 3)] = random.choice('"[]{}=,.#\n0a')
    try:
        read("".join(text))
    except PolicyError as error:
        found = error.mistakes
    else:
        return
    assert found
    assert all(mistake.problem and mistake.file == str(FILE) for mistake in found)


@given(st.integers(0, 1 << 32))
def test_durations_and_volumes_read_back_what_is_shown(amount: int) -> None:
    assert parse_whole_duration(format_duration(amount)) == amount
    assert parse_volume(format_volume(amount)) == amount
