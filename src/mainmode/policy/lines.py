"""Where in a policy file each value stands, for messages that name the line.

`tomllib` gives values without places, the syntax tree of tree-sitter gives places: this walks the
tree once and keeps the line of every key and array element by its path, as
`("rule", 0, "authentication", 1, "method")`.

Does not: read values, or care whether the keys mean anything.
"""

import tomllib

import tree_sitter_toml
from tree_sitter import Language, Node, Parser

from mainmode.policy.mistakes import Lines, Path

_KEYS = ("bare_key", "quoted_key", "dotted_key")


def lines_of(source: bytes) -> Lines:
    """The places of a file that `tomllib` has accepted."""
    walk = _Walk()
    for node in _top(source):
        if node.type == "pair":
            walk.pair((), node)
        elif node.type == "table":
            walk.table(node)
        elif node.type == "table_array_element":
            walk.table_array_element(node)
    return Lines(walk.lines)


def tables_in(source: bytes) -> list[Node]:
    """What begins with a header."""
    return [each for each in _top(source) if each.type in ("table", "table_array_element")]


def _top(source: bytes) -> list[Node]:
    return Parser(Language(tree_sitter_toml.language())).parse(source).root_node.children


class _Walk:
    def __init__(self) -> None:
        self.lines: dict[Path, int] = {}
        self._elements: dict[Path, int] = {}
        """How many elements each array of tables has so far."""

    def table(self, node: Node) -> None:
        path = self._inside_arrays(_keys(_key_node(node)))
        self._pairs(path, node)

    def table_array_element(self, node: Node) -> None:
        keys = _keys(_key_node(node))
        array = (*self._inside_arrays(keys[:-1]), keys[-1])
        index = self._elements.get(array, 0)
        self._elements[array] = index + 1
        self._note(array, node)
        self._pairs((*array, index), node)

    def pair(self, path: Path, node: Node) -> None:
        for key in _keys(_key_node(node)):
            path = (*path, key)
            self._note(path, node)
        self._value(path, node.named_children[-1])

    def _pairs(self, path: Path, node: Node) -> None:
        for length in range(1, len(path) + 1):
            self._note(path[:length], node)
        for child in node.named_children:
            if child.type == "pair":
                self.pair(path, child)

    def _value(self, path: Path, node: Node) -> None:
        if node.type == "inline_table":
            for child in node.named_children:
                if child.type == "pair":
                    self.pair(path, child)
        elif node.type == "array":
            elements = [child for child in node.named_children if child.type != "comment"]
            for index, child in enumerate(elements):
                self._note((*path, index), child)
                self._value((*path, index), child)

    def _note(self, path: Path, node: Node) -> None:
        """The first place counts: where a table is opened, where an array begins."""
        self.lines.setdefault(path, node.start_point.row + 1)

    def _inside_arrays(self, keys: list[str]) -> Path:
        """Where a header's keys lead: into the latest element of each array of tables."""
        path: Path = ()
        for key in keys:
            path = (*path, key)
            if path in self._elements:
                path = (*path, self._elements[path] - 1)
        return path


def _key_node(node: Node) -> Node:
    return next(child for child in node.named_children if child.type in _KEYS)


def _keys(node: Node) -> list[str]:
    """The parts of a possibly dotted key."""
    if node.type == "dotted_key":
        parts = [child for child in node.named_children if child.type in _KEYS]
        return [key for part in parts for key in _keys(part)]
    text = (node.text or b"").decode()
    if node.type == "quoted_key":
        return list(tomllib.loads(f"{text} = 0"))
    return [text]
