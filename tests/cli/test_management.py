"""Which connection a person is logged in through."""

from ipaddress import ip_address
from pathlib import Path

from mainmode.cli.management import own_connection
from mainmode.model import Flow


def process(processes: Path, number: str, parent: str, environment: bytes) -> None:
    (processes / number).mkdir()
    (processes / number / "environ").write_bytes(environment)
    (processes / number / "stat").write_text(f"{number} (a (shell)) S {parent} 1 1 0")


def test_the_shell_of_sshd_says_it_and_sudo_does_not(tmp_path: Path) -> None:
    process(tmp_path, "self", "30", b"PATH=/bin\0")
    process(tmp_path, "30", "20", b"SUDO_USER=joe\0")
    process(tmp_path, "20", "1", b"TERM=x\0SSH_CONNECTION=2001:db8::7 51000 2001:db8::1 22\0")
    here, there = ip_address("2001:db8::1"), ip_address("2001:db8::7")
    assert own_connection(tmp_path) == Flow(here, there, 6, 22, 51_000)


def test_at_the_computer_itself(tmp_path: Path) -> None:
    process(tmp_path, "self", "1", b"PATH=/bin\0")
    assert own_connection(tmp_path) is None


def test_nonsense_is_nobody(tmp_path: Path) -> None:
    process(tmp_path, "self", "1", b"SSH_CONNECTION=here and there\0")
    assert own_connection(tmp_path) is None
