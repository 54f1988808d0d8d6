"""What the demo prints fits a terminal of 80 columns, in any encoding and without colours."""

from io import BytesIO, TextIOWrapper

import pytest
from rich.console import Console

from mainmode.cli.show import QUICK_MODE
from mainmode.demo.screen import Screen, turned
from mainmode.demo.strokes import UNICODE, box

SENTENCE = "first part, which goes on and on " * 6 + "| second part"


def printed(encoding: str) -> str:
    """All kinds of output on a stream with this encoding."""
    octets = BytesIO()
    screen = Screen(Console(file=TextIOWrapper(octets, encoding=encoding, write_through=True)))
    screen.heading("Act one")
    screen.command("alice", "ping 192.0.2.2", "a remark")
    screen.quote("bob", SENTENCE)
    screen.verdict(True, "good")
    screen.verdict(False, "bad")
    screen.ladder_head("alice", "bob")
    screen.ladder_note("a note")
    screen.side_by_side({"SPI in": ["1", "2"], "SPI out": ["2", "1"]})
    screen.count("ESP", 4, "alice counts 4")
    screen.octets("a packet", ("SPI", bytes(4)), ("ciphertext", bytes(500)))
    return octets.getvalue().decode(encoding)


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_it_fits_and_is_plain(encoding: str) -> None:
    text = printed(encoding)
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) < 80
    assert all(line == line.rstrip() for line in text.splitlines())


def test_verdicts_are_told_apart_without_colours() -> None:
    assert "✔ good" in printed("utf-8")
    assert "✘ bad" in printed("utf-8")
    assert "ok: good" in printed("ascii")
    assert "NOT SO: bad" in printed("ascii")


def test_a_box() -> None:
    assert box("bob", ("192.0.2.2",), 16, UNICODE) == [
        "┌─ bob ────────┐",
        "│ 192.0.2.2    │",
        "└──────────────┘",
    ]


def test_tables_of_show_are_turned() -> None:
    some = dict.fromkeys(
        ("local_address", "remote_address", "protocol", "mode", "inbound_spi", "outbound_spi"), "x"
    )
    counted = dict.fromkeys(("local_port", "remote_port", "octets_sent", "octets_received"), 0)
    algorithms = {"ah_integrity": "", "esp_integrity": "sha1", "esp_confidentiality": "3des"}
    view = {**some, **counted, **algorithms, "udp": None, "age_s": 0.0}
    rows = turned(QUICK_MODE, [view, view])
    assert rows["ESP confidentiality"] == ["3des", "3des"]
    assert rows["Local port"] == ["any", "any"]
    assert len(rows) == len(QUICK_MODE)
