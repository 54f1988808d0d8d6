"""Loads the table of `ruleset` into the kernel, reads its counters, removes it.

Talks to: the command nft (package nftables), nearly always in JSON.
"""

import json
import os
import shutil
import subprocess

from mainmode.driver.user import soft_sets
from mainmode.driver.user.ruleset import COUNTERS
from mainmode.driver.user.table import TABLE, Json
from mainmode.errors import DriverError

_SECONDS_MAX = 30.0


def load(transaction: Json) -> None:
    """All of it or, with DriverError, nothing."""
    _nft("-j", "-f", "-", given=json.dumps(transaction))


def declare(commands: str) -> None:
    """Do what is written in nft's own language (`soft_sets.declarations`, `boot.commands`), all of
    it or, with DriverError, nothing."""
    _nft("-f", "-", given=commands)


def stands() -> bool:
    """Whether there is a table. Raises DriverError."""
    listed = json.loads(_nft("-j", "list", "tables", TABLE["family"]))
    return any(each.get("table", {}).get("name") == TABLE["name"] for each in listed["nftables"])


def remove() -> None:
    """Take the table away; it is no error if there is none. Raises DriverError."""
    # "delete" alone would fail where there is no table; adding it first is harmless.
    load({"nftables": [{"add": {"table": TABLE}}, {"delete": {"table": TABLE}}]})


def dropped() -> dict[str, int]:
    """Packets dropped so far, by the names of `ruleset.COUNTERS`. Raises DriverError."""
    listed = json.loads(_nft("-j", "list", "counters", "table", TABLE["family"], TABLE["name"]))
    counters = [each["counter"] for each in listed["nftables"] if "counter" in each]
    return {each["name"]: each["packets"] for each in counters if each["name"] in COUNTERS}


def passed() -> frozenset[soft_sets.Passed]:
    """What has passed lately under soft SAs. Raises DriverError."""
    listed = json.loads(_nft("-j", "list", "sets", "table", TABLE["family"], TABLE["name"]))
    return soft_sets.read_passed(listed)


def command() -> str | None:
    """Where nft stands; None when it is not installed. Users' paths often lack Debian's place."""
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
    return shutil.which("nft", path=path)


def _nft(*arguments: str, given: str = "") -> str:
    nft = command()
    if nft is None:
        raise DriverError("the command nft is missing: install the package nftables")
    try:
        done = subprocess.run(
            [nft, *arguments],
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS_MAX,
        )
    except subprocess.TimeoutExpired:
        raise DriverError(f"nft gave no answer in {_SECONDS_MAX:g} s") from None
    if done.returncode:
        raise DriverError(f"nft: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout
