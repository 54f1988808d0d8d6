"""The house keeps its form: which module may import which, how long things are, what is said.

Each test lists every place that breaks its rule.
"""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

CHECKOUT = Path(__file__).parent.parent
PACKAGE = CHECKOUT / "src" / "mainmode"

ROWS = (
    ("errors", "numbers", "limits", "model", "failures"),
    ("wire", "crypto"),
    ("ladder",),
    ("policy",),
    ("auth",),
    ("engine", "packets"),
    ("driver", "store"),
    ("service", "diagnosis"),
    ("testing",),
    ("cli",),
    ("demo",),
    ("bench",),
    ("__main__",),
)
"""Folders and modules of the package. Each imports from rows above its own and from its folder;
the first row is one folder, the package's root."""
PURE_ROWS = 6
"""So many rows, from the first, get time, randomness and octets as arguments."""
IMPURE = {"asyncio", "logging", "os", "random", "secrets", "socket", "threading", "time"}

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 500
LONG_FILES: dict[str, str] = {}
"""Files that may be longer, and why."""

PLACES = ("src", "tests", "tools", "docs", ".ci", "mainmode", "test")
PLACES_OF_ONE_MACHINE = re.compile(r"(?<![\w.])/(work|root|home/\w+)/")
SKIPS = re.compile(r"pytest\.(mark\.)?(skip|skipif|xfail|importorskip)\b")

MODULES = sorted(PACKAGE.rglob("*.py"))


def name_of(file: Path) -> str:
    return str(file.relative_to(CHECKOUT))


def room_of(file: Path) -> str:
    """The folder below the package, or the module itself at its root."""
    first = file.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def row_of(room: str) -> int:
    return next(number for number, rooms in enumerate(ROWS) if room in rooms)


def imported(file: Path) -> Iterator[tuple[int, str]]:
    """Line and full name of everything a file imports, for type checking alone too."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, each.name) for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.module == "mainmode":
                yield from ((node.lineno, f"mainmode.{each.name}") for each in node.names)
            else:
                yield node.lineno, "." * node.level + (node.module or "")


def test_every_room_has_a_row() -> None:
    rooms = {room_of(file) for file in MODULES} - {"__init__"}
    assert rooms - {room for row in ROWS for room in row} == set()


def test_imports_point_one_way() -> None:
    wrong = []
    for file in MODULES:
        room = room_of(file)
        if room == "__init__":
            continue
        for line, name in imported(file):
            package, _, rest = name.partition(".")
            other = rest.partition(".")[0]
            if package != "mainmode" or other in ("", "__version__"):
                continue
            if other != room and row_of(other) >= max(row_of(room), 1):
                wrong.append(f"{name_of(file)}:{line} imports {name}")
    assert wrong == []


def test_imports_are_absolute() -> None:
    wrong = [
        f"{name_of(file)}:{line} {name}"
        for file in MODULES
        for line, name in imported(file)
        if name.startswith(".")
    ]
    assert wrong == []


def test_pure_rows_get_time_randomness_and_octets_as_arguments() -> None:
    wrong = []
    for file in MODULES:
        room = room_of(file)
        if room == "__init__" or row_of(room) >= PURE_ROWS:
            continue
        for line, name in imported(file):
            if name.split(".")[0] in IMPURE:
                wrong.append(f"{name_of(file)}:{line} imports {name}")
    assert wrong == []


def test_functions_are_short() -> None:
    wrong = []
    for file in MODULES:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_LINES_MAX:
                    wrong.append(f"{name_of(file)}:{node.lineno} {node.name} has {lines} lines")
    assert wrong == []


def test_files_are_short() -> None:
    lines = {name_of(file): len(file.read_text().splitlines()) for file in MODULES}
    long = {name: count for name, count in lines.items() if count > FILE_LINES_MAX}
    assert {name: count for name, count in long.items() if name not in LONG_FILES} == {}
    assert set(LONG_FILES) - set(long) == set(), "shorter by now: off the list"


def test_every_module_says_what_it_is_for() -> None:
    wrong = []
    for file in MODULES:
        tree = ast.parse(file.read_text())
        if tree.body and not ast.get_docstring(tree):
            wrong.append(name_of(file))
    assert wrong == []


def texts() -> Iterator[tuple[str, int, str]]:
    """File, number and text of every line that we wrote."""
    for place in PLACES:
        top = CHECKOUT / place
        for file in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if not file.is_file() or "__pycache__" in file.parts:
                continue
            for number, line in enumerate(file.read_text(errors="replace").splitlines(), 1):
                yield name_of(file), number, line


def test_no_path_of_one_machine() -> None:
    wrong = [
        f"{name}:{number} {line.strip()}"
        for name, number, line in texts()
        if PLACES_OF_ONE_MACHINE.search(line)
    ]
    assert wrong == []


def test_no_test_is_skipped() -> None:
    """What cannot run is named and fails the run (`tests/conftest.py`), it does not pass."""
    wrong = [
        f"{name}:{number} {line.strip()}"
        for name, number, line in texts()
        if name.startswith("tests") and SKIPS.search(line)
    ]
    assert wrong == []


def locked(lock: Path) -> dict[str, str]:
    """Package to version."""
    found = re.findall(r"^([\w.-]+)==(\S+)", lock.read_text(), re.MULTILINE)
    return {canonicalize_name(name): version for name, version in found}


def test_locks_fit_what_the_project_asks_for() -> None:
    """If not: run tools/lock."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    runtime = [Requirement(each) for each in project["dependencies"]]
    test = [Requirement(each) for each in project["optional-dependencies"]["test"]]
    for name, wanted in (
        ("requirements.lock", runtime),
        ("requirements-test.lock", runtime + test),
    ):
        versions = locked(CHECKOUT / name)
        wrong = [
            str(each)
            for each in wanted
            if versions.get(canonicalize_name(each.name), "0") not in each.specifier
        ]
        assert wrong == [], name


def test_locks_agree_and_name_no_registry() -> None:
    runtime, test = CHECKOUT / "requirements.lock", CHECKOUT / "requirements-test.lock"
    assert locked(runtime).items() <= locked(test).items()
    assert "://" not in runtime.read_text() + test.read_text()
