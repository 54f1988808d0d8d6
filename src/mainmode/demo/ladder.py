"""An exchange as RFC 2409 draws it, one line a message, from the events of a service.

    alice                               bob  message      octets    ms
    ├─ HDR, SA, VID ─────────────────────▶│  main mode 1     152     0
    │◀───────────────────── HDR, SA, VID ─┤  main mode 2     120     9

A double line is an encrypted message.

Source: RFC 2409 5 (the names of payloads depend on who sends them and when).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mainmode.cli.client import Answer
from mainmode.demo.strokes import Strokes

WIDTH = 44
"""Columns from one lifeline to the other."""
_MESSAGES = ("MessageSent", "MessageReceived")
_ENCRYPTED = "HDR*"


@dataclass(frozen=True, slots=True)
class Rung:
    """One message."""

    mode: str
    """"main mode" or "quick mode"."""
    number: int
    is_sent: bool
    """By the host whose events these are; it stands on the left."""
    payloads: tuple[str, ...]
    """As in RFC 2409: HDR*, IDii, HASH_I."""
    octets: int
    at_s: float
    """Seconds since 1970."""
    retry: int

    @property
    def is_encrypted(self) -> bool:
        return self.payloads[0] == _ENCRYPTED


def rung_of(event: Answer) -> Rung | None:
    """None for an event that is no message of main mode or quick mode."""
    if event["event"] not in _MESSAGES:
        return None
    mode, _, number = event["step"].rpartition(" message ")
    if not mode:
        return None
    return Rung(
        mode=mode,
        number=int(number),
        is_sent=event["event"] == "MessageSent",
        payloads=in_rfc_names(mode, int(number), event["payloads"]),
        octets=event["octets"],
        at_s=datetime.fromisoformat(event["time"]).timestamp(),
        retry=event.get("retry", 0),
    )


def in_rfc_names(mode: str, number: int, payloads: Sequence[str]) -> tuple[str, ...]:
    """`("HDR*", "ID", "HASH")` of main mode message 5 is `("HDR*", "IDii", "HASH_I")`.

    Odd messages are the initiator's. Payloads that come several times are counted.
    """
    side = "i" if number % 2 else "r"
    names = {"NONCE": f"N{side}", "HASH": f"HASH({number})"}
    identities = ["IDci", "IDcr"]
    if mode == "main mode":
        names["HASH"] = f"HASH_{side.upper()}"
        identities = [f"IDi{side}"]
    renamed: dict[str, int] = {}
    for each in payloads:
        name = identities.pop(0) if each == "ID" and identities else names.get(each, each)
        renamed[name] = renamed.get(name, 0) + 1
    return tuple(name if count == 1 else f"{count} {name}" for name, count in renamed.items())


def arrow(rung: Rung, strokes: Strokes) -> str:
    """The message between the two lifelines."""
    text = f" {', '.join(rung.payloads)} "
    line = strokes.double if rung.is_encrypted else strokes.line
    shaft = line * (WIDTH - len(text) - 4)
    if rung.is_sent:
        return f"{strokes.fork_right}{line}{text}{shaft}{strokes.right}{strokes.side}"
    return f"{strokes.side}{strokes.left}{shaft}{text}{line}{strokes.fork_left}"


def note(text: str, strokes: Strokes) -> str:
    """A remark between the two lifelines."""
    return f"{strokes.side}{text.center(WIDTH - 2)}{strokes.side}"


MARGIN_HEAD = f"{'message':<17}{'octets':>7}{'ms':>6}"


def margin(rung: Rung, began_s: float) -> str:
    """Beside the arrow: which message, its octets, when."""
    again = " again" if rung.retry else ""
    ms = (rung.at_s - began_s) * 1_000
    return f"{rung.mode + ' ' + str(rung.number) + again:<17}{rung.octets:>7}{ms:>6.0f}"
