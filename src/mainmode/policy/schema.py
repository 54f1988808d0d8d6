"""The JSON schema of policy files, made from the form that reading and writing follow.

Draft 7, which the editors' language servers for TOML read.
"""

from typing import Any

from mainmode.policy.form.kinds import Schema
from mainmode.policy.form.tables import (
    ABOUT,
    FILTER_ACTION,
    FILTER_LIST,
    SETTINGS,
    body_form,
    policy_form,
    rule_form,
)


def policy_schema() -> Schema:
    """Of a file with one policy or with several."""
    rules = rule_form({}, {})
    about, body = ABOUT.schema(), body_form(rules).schema()
    called = {"description": "What the policy is called, and how it appears."}
    shared = {
        "filter_list": _named(FILTER_LIST.schema(), "Which packets, by name."),
        "filter_action": _named(FILTER_ACTION.schema(), "What happens to them, by name."),
        "settings": {
            "description": "What holds whichever policy is assigned.",
            **SETTINGS.schema(),
        },
    }
    one = _file({"policy": {**called, **about}, **body["properties"], **shared}, ["policy"])
    several = _file(
        {
            "assigned": {"description": "The policy that is in force.", "type": "string"},
            "policy": {"type": "array", "items": policy_form(rules).schema()},
            **shared,
        }
    )
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "mainmode policy file",
        "if": {"properties": {"policy": {"type": "object"}}, "required": ["policy"]},
        "then": one,
        "else": several,
    }


def _named(schema: Schema, about: str) -> Schema:
    return {"description": about, "type": "object", "additionalProperties": schema}


def _file(properties: dict[str, Any], required: list[str] | None = None) -> Schema:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        **({"required": required} if required else {}),
    }
