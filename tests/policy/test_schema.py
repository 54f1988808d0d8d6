"""The JSON schema of policy files."""

import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from mainmode.policy.builtin import TEMPLATES, template_text
from mainmode.policy.schema import policy_schema

EXAMPLE = Path(__file__).parents[2] / "docs" / "policy-example.toml"
SMALL = """\
[policy]
name = "small"
[filter_list.all]
filters = [{ source = "me", destination = "any" }]
[filter_action.require]
action = "negotiate"
[[rule]]
name = "all"
filter_list = "all"
filter_action = "require"
authentication = [{ method = "preshared_key", secret_file = "peer.psk" }]
"""


FILTER = "$.filter_list.all.filters[0]"


def wrong(text: str) -> list[str]:
    """Where a file does not fit."""
    checker = jsonschema.Draft7Validator(policy_schema())
    values: dict[str, Any] = tomllib.loads(text)
    return [each.json_path for each in checker.iter_errors(values)]


def test_it_is_a_schema() -> None:
    jsonschema.Draft7Validator.check_schema(policy_schema())


@pytest.mark.parametrize("name", TEMPLATES)
def test_what_comes_with_mainmode_fits(name: str) -> None:
    assert wrong(template_text(name)) == []


def test_the_documented_example_fits() -> None:
    assert wrong(EXAMPLE.read_text()) == []


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ('name = "small"', "nmae = 1", "$.policy"),
        ('"negotiate"', '"protect"', "$.filter_action.require.action"),
        ('action = "negotiate"', 'offers = ["esp:rot13"]', "$.filter_action.require.offers[0]"),
        ('source = "me"', 'source = "me", source_port = 65536', f"{FILTER}.source_port"),
        ('source = "me"', 'source = "me", protocol = -1', f"{FILTER}.protocol"),
        ('name = "all"', 'name = "all"\nactive = 1', "$.rule[0].active"),
        ('filter_list = "all"', "", "$.rule[0]"),
        ("[policy]", "[main_mode]\nlifetime = '8'\n[policy]", "$.main_mode.lifetime"),
        ("[policy]", "[main_mode]\noffers = ['des']\n[policy]", "$.main_mode.offers[0]"),
        ("[policy]", "assigned = 'small'\n[policy]", "$"),
    ],
)
def test_mistakes_do_not_fit(old: str, new: str, where: str) -> None:
    assert where in wrong(SMALL.replace(old, new, 1))


def test_several_policies() -> None:
    several = SMALL.replace("[policy]", "[[policy]]").replace("[[rule]]", "[[policy.rule]]")
    assert wrong(several) == []
    assert wrong(several.replace('name = "small"', "")) == ["$.policy[0]"]


def test_every_key_says_what_it_is() -> None:
    def look(schema: dict[str, Any]) -> None:
        for key, inner in schema.get("properties", {}).items():
            assert inner.get("description"), key
            look(inner)
            look(inner.get("items", {}))

    look(policy_schema()["then"])
