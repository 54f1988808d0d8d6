"""What a service manager hears."""

import socket
from pathlib import Path

import pytest

from mainmode.service.notify import ServiceManager


def test_the_manager_hears_each_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        service = ServiceManager()
        service.ready("policy test")
        assert manager.recv(100) == b"READY=1\nSTATUS=policy test"
        service.reloading()
        assert manager.recv(100).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
        service.stopping()
        assert manager.recv(100) == b"STOPPING=1"
        service.close()


def test_without_a_manager_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    service = ServiceManager()
    service.ready("nobody hears this")
    service.close()
