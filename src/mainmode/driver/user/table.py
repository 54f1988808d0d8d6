"""The driver's table of nftables: its name, and what stands in it.

Source: Linux libnftables-json(5).
"""

from typing import Any

Json = dict[str, Any]

TABLE = {"family": "inet", "name": "mainmode"}


def is_equal(left: Json, right: object) -> Json:
    """A statement that goes on where the two are equal."""
    return {"match": {"op": "==", "left": left, "right": right}}


def in_table(**members: object) -> Json:
    """A chain, a rule, a counter, a set or its elements."""
    return {"family": TABLE["family"], "table": TABLE["name"], **members}
