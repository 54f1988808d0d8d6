"""Which message of which exchange a datagram is, and how often it was sent: seen from outside.

The n-th datagram of an exchange that differs from those before is message n; main mode's message 1
stands alone, before there is a responder cookie. Knows only what hosts really send, not what
forgers do.
"""

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple

from mainmode.model import IpAddress
from mainmode.numbers import ExchangeType, HeaderFlag

_NAMES = {
    int(ExchangeType.MAIN): "main mode",
    int(ExchangeType.QUICK): "quick mode",
    int(ExchangeType.INFORMATIONAL): "informational",
}
_DIGEST_OCTETS = 12


@dataclass(slots=True)
class Said:
    """One message, as its sender said it first."""

    sender: IpAddress
    digest: bytes
    at: float
    """When, in its sender's engine's time."""
    offset_s: float
    """How far the sender's clock was ahead then."""
    encrypted: bool
    times: int = 1


@dataclass(slots=True)
class Talk:
    """One exchange as the wire shows it."""

    name: str
    first: int
    """The number of the first message in `said`."""
    said: list[Said] = field(default_factory=list)


class Message(NamedTuple):
    """A datagram put in its place."""

    talk: Talk
    number: int
    """From 1."""
    said: Said

    @property
    def name(self) -> str:
        clear = "" if self.said.encrypted else " in clear"
        if self.talk.name == "informational":
            return self.talk.name + clear
        return f"{self.talk.name} message {self.number}"

    @property
    def is_first(self) -> bool:
        """Whether it was never sent before."""
        return self.said.times == 1


class Ledger:
    """Every exchange that hosts had, by cookies and message ID."""

    def __init__(self) -> None:
        self.negotiations = 0
        """Main modes and quick modes that somebody has begun."""
        self._talks: dict[bytes, Talk] = {}

    def enter(self, sender: IpAddress, datagram: bytes, at: float, offset_s: float) -> Message:
        """A host sends this."""
        talk = self._talk(datagram)
        digest = blake2b(datagram, digest_size=_DIGEST_OCTETS).digest()
        for number, said in enumerate(talk.said, talk.first):
            if said.digest == digest and said.sender == sender:
                said.times += 1
                return Message(talk, number, said)
        encrypted = bool(datagram[19] & HeaderFlag.ENCRYPTION)
        said = Said(sender, digest, at, offset_s, encrypted)
        talk.said.append(said)
        return Message(talk, talk.first + len(talk.said) - 1, said)

    def _talk(self, datagram: bytes) -> Talk:
        key = datagram[:16] + datagram[20:24]
        talk = self._talks.get(key)
        if talk is None:
            name = _NAMES.get(datagram[18], f"exchange {datagram[18]}")
            is_answer = name == "main mode" and any(datagram[8:16])
            talk = self._talks[key] = Talk(name, 2 if is_answer else 1)
            self.negotiations += name == "quick mode" or (name == "main mode" and not is_answer)
        return talk
