"""A namespace is a network apart, and the caller stays where it was."""

import os
import socket
import subprocess
from pathlib import Path

import pytest

from mainmode.testing.namespace import Namespace

pytestmark = pytest.mark.network


def where() -> str:
    return os.readlink("/proc/thread-self/ns/net")


def test_work_is_done_inside_and_the_caller_stays_outside() -> None:
    before = where()
    namespace = Namespace()
    try:
        assert namespace.inside(where) not in ("", before)
        assert namespace.inside(socket.if_nameindex) == [(1, "lo")]
        assert where() == before
    finally:
        namespace.close()


def test_processes_and_the_path_lead_to_it() -> None:
    namespace = Namespace()
    try:
        inside = namespace.inside(where)
        read = ["readlink", "/proc/self/ns/net"]
        assert namespace.inside(lambda: subprocess.check_output(read, text=True)).strip() == inside
        assert inside == f"net:[{Path(namespace.path).stat().st_ino}]"
    finally:
        namespace.close()
