"""Every exception of mainmode, sorted by whose fault it is.

`Malformed`    the peer sent octets that are no message: counted, explained, dropped.
`PersonError`  a person gave us something wrong: one clear message, exit status 2.
Why a negotiation failed is not an exception but a value: `failures`.
"""

from mainmode.numbers import NotifyType


class MainmodeError(Exception):
    """Base of everything raised on purpose."""


class Malformed(MainmodeError):
    """Octets from the network that break a rule of the wire format.

    payload: the payload or structure being read ("SA", "transform", "header").
    offset:  octets from the start of the message to where the rule broke.
    rule:    what should have been so, as a sentence.
    notify:  the notification RFC 2408 5 gives for it.
    """

    def __init__(
        self,
        payload: str,
        offset: int,
        rule: str,
        notify: NotifyType = NotifyType.PAYLOAD_MALFORMED,
    ) -> None:
        super().__init__(f"{payload} at octet {offset}: {rule}")
        self.payload = payload
        self.offset = offset
        self.rule = rule
        self.notify = notify


class BadPublicValue(MainmodeError):
    """A peer's Diffie-Hellman public value has the wrong length or lies outside 2..p-2."""


class WeakKey(MainmodeError):
    """Key derivation produced one of the sixteen weak or semi-weak DES keys (RFC 2405, 2409 B)."""


class PersonError(MainmodeError):
    """Something a person wrote is wrong: policy, flag, file or script.

    Shown as `file:line: problem` with the fix below it; the command ends with status 2.
    """

    def __init__(self, problem: str, *, fix: str = "", file: str = "", line: int = 0) -> None:
        super().__init__(problem)
        self.problem = problem
        self.fix = fix
        self.file = file
        self.line = line

    def __str__(self) -> str:
        place = self.file + (f":{self.line}" if self.line else "")
        text = f"{place}: {self.problem}" if place else self.problem
        return f"{text}\n  fix: {self.fix}" if self.fix else text


class PolicyError(PersonError):
    """All mistakes of one policy file at once."""

    def __init__(self, mistakes: list[PersonError]) -> None:
        super().__init__("\n".join(str(mistake) for mistake in mistakes))
        self.mistakes = mistakes


class DriverError(MainmodeError):
    """The IPSec driver could not do what it was asked; the text says why."""
