"""Laws of policy files: they can say everything, and damage is a mistake with a line."""

from dataclasses import MISSING, Field, fields
from pathlib import Path
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mainmode.errors import PolicyError
from mainmode.policy.load import load_policy
from mainmode.policy.model import (
    Authentication,
    Filter,
    FilterAction,
    FilterList,
    MainModeSettings,
    Policy,
    QuickModeOffer,
    Rule,
)
from mainmode.policy.units import format_duration, format_volume, parse_volume, parse_whole_duration
from tests.properties.policies import as_toml, policies

_SLOW = settings(
    max_examples=50,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@_SLOW
@given(policy=policies())
def test_a_policy_file_can_say_everything(tmp_path: Path, policy: Policy) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(as_toml(policy), newline="\n")
    assert load_policy(file) == policy


_PARTS = (
    Policy,
    MainModeSettings,
    Rule,
    FilterList,
    Filter,
    FilterAction,
    QuickModeOffer,
    Authentication,
)


def _parts(policy: Policy) -> list[object]:
    parts: list[object] = [policy, policy.main_mode]
    for rule in policy.rules:
        parts += [rule, *rule.authentication, rule.filter_list, *rule.filter_list.filters]
        parts += [rule.filter_action, *rule.filter_action.offers]
    return parts


def _default(field: Field[object]) -> object:
    return field.default if field.default_factory is MISSING else field.default_factory()


def test_the_policies_above_set_every_field_of_the_model() -> None:
    """So a new field comes into the strategy, and with that into the file and the loader."""
    seen: set[tuple[type, str]] = set()

    @settings(_SLOW, max_examples=60, derandomize=True, database=None)
    @given(policies())
    def look(policy: Policy) -> None:
        for part in _parts(policy):
            for field in fields(part):  # type: ignore[arg-type]
                if getattr(part, field.name) != _default(field):
                    seen.add((type(part), field.name))

    look()
    assert {(part, field.name) for part in _PARTS for field in fields(part)} - seen == set()


@_SLOW
@given(policy=policies(), random=st.randoms(use_true_random=False))
def test_a_damaged_policy_file_is_read_or_refused(
    tmp_path: Path, policy: Policy, random: Random
) -> None:
    text = list(as_toml(policy))
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(text))
        text[at : at + random.randint(0, 3)] = random.choice('"[]{}=,.#\n0a')
    file = tmp_path / "policy.toml"
    file.write_text("".join(text), newline="\n")
    try:
        load_policy(file)
    except PolicyError as error:
        found = error.mistakes
    else:
        return
    assert found
    assert all(mistake.problem and mistake.file == str(file) for mistake in found)


@given(st.integers(0, 1 << 32))
def test_durations_and_volumes_read_back_what_is_shown(amount: int) -> None:
    assert parse_whole_duration(format_duration(amount)) == amount
    assert parse_volume(format_volume(amount)) == amount
