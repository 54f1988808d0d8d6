"""The words a ladder is written in: steps, and what a rung may ask for.

An exchange is a generator. It yields `Ask` (send this, wait for that), `Await` (wait only), `Tell`
(send the last word), `Protect` (encrypt from here on), `Move` (go on through other ports) or a job
of `engine.effects`; the value that comes back is what the answer means, decrypted, checked and
judged. Retransmission, duplicates, encryption, HASH payloads and timers are `engine.exchange`'s
work.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeVar

from mainmode.crypto.algorithms import Cipher
from mainmode.failures import Reason
from mainmode.model import Path
from mainmode.numbers import ExchangeType, PayloadType, name_of
from mainmode.wire.message import Payloads
from mainmode.wire.payloads import Payload

T = TypeVar("T")
Ladder = Generator[Any, Any, T]


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One message of an exchange: its form, and the waiting point before it arrives."""

    name: str
    waiting: str
    """The waiting point, as monitor, log and failures show it."""
    exchange: ExchangeType
    encrypted: bool
    required: tuple[PayloadType, ...]
    """Payload types that occur exactly once."""
    optional: tuple[PayloadType, ...] = ()
    """Payload types that may occur, once or more."""
    pairs: tuple[PayloadType, ...] = ()
    """Payload types that occur twice or not at all."""
    resent: bool = True
    """Whether its sender has the timer; if not, the other side repeats the message before."""
    silence: Reason = Reason.TIMED_OUT
    """What it means when this message never comes."""
    silence_detail: str = ""

    def misfit(self, kinds: tuple[int, ...]) -> str:
        """Why a message with these payload types is not this step; empty when it is."""
        return _misfit(self, kinds)


@lru_cache(maxsize=512)
def _misfit(step: Step, kinds: tuple[int, ...]) -> str:
    for kind in step.required:
        if kinds.count(kind) != 1:
            return f"{kinds.count(kind)} {name_of(PayloadType, kind)} payloads instead of one"
    for kind in step.pairs:
        if kinds.count(kind) not in (0, 2):
            return (
                f"{kinds.count(kind)} {name_of(PayloadType, kind)} payloads instead of two or none"
            )
    for given in kinds:
        if given not in step.required and given not in step.optional and given not in step.pairs:
            return f"a {name_of(PayloadType, given)} payload has no place in it"
    if step.required and step.required[0] in _FIRST and kinds[0] != step.required[0]:
        return f"{name_of(PayloadType, step.required[0])} is not the first payload"
    return ""


_FIRST = (PayloadType.SA, PayloadType.HASH)
"""Payloads that come first where a step requires them first (RFC 2408 4.5, RFC 2409 5.5)."""

_PHASE_1_EXTRAS = (
    PayloadType.VENDOR_ID,
    PayloadType.NOTIFICATION,
    PayloadType.CERTREQ,
    PayloadType.NAT_D,
    PayloadType.NAT_D_DRAFT,
    PayloadType.GSS_TOKEN,
)


def _main_mode(
    number: int,
    waiting: str,
    required: tuple[PayloadType, ...],
    *,
    optional: tuple[PayloadType, ...] = (),
    silence: Reason = Reason.TIMED_OUT,
    silence_detail: str = "",
) -> Step:
    return Step(
        name=f"main mode message {number}",
        waiting=waiting,
        exchange=ExchangeType.MAIN,
        encrypted=number >= 5,
        required=required,
        optional=optional + _PHASE_1_EXTRAS,
        resent=number % 2 == 1,
        silence=silence,
        silence_detail=silence_detail,
    )


MM1 = _main_mode(1, "waiting for an offer", (PayloadType.SA,))
MM2 = _main_mode(2, "waiting for the peer's choice of our offers", (PayloadType.SA,))
MM3 = _main_mode(3, "waiting for the key exchange", (PayloadType.KE, PayloadType.NONCE))
MM4 = _main_mode(4, "waiting for the peer's key exchange", (PayloadType.KE, PayloadType.NONCE))
MM5 = _main_mode(
    5,
    "waiting for the initiator's proof of identity",
    (PayloadType.ID, PayloadType.HASH),
    optional=(PayloadType.CERT,),
    silence_detail="the initiator never proved its identity",
)
MM6 = _main_mode(
    6,
    "waiting for the responder's proof of identity",
    (PayloadType.ID, PayloadType.HASH),
    optional=(PayloadType.CERT,),
    silence=Reason.WRONG_KEY,
    silence_detail="the peer answered until the messages became encrypted, then no more",
)
"""Main mode, RFC 2409 5; the initiator has the timer."""

_QUICK_MODE_EXTRAS = (
    PayloadType.KE,
    PayloadType.NOTIFICATION,
    PayloadType.VENDOR_ID,
    PayloadType.NAT_OA,
    PayloadType.NAT_OA_DRAFT,
)


def _quick_mode(
    number: int,
    waiting: str,
    required: tuple[PayloadType, ...] = (),
    *,
    optional: tuple[PayloadType, ...],
    pairs: tuple[PayloadType, ...] = (),
) -> Step:
    return Step(
        name=f"quick mode message {number}",
        waiting=waiting,
        exchange=ExchangeType.QUICK,
        encrypted=True,
        required=(PayloadType.HASH, *required),
        optional=optional,
        pairs=pairs,
    )


QM1 = _quick_mode(
    1,
    "waiting for a quick mode offer",
    (PayloadType.SA, PayloadType.NONCE),
    optional=_QUICK_MODE_EXTRAS,
    pairs=(PayloadType.ID,),
)
QM2 = _quick_mode(
    2,
    "waiting for the peer's choice of our quick mode offers",
    (PayloadType.SA, PayloadType.NONCE),
    optional=_QUICK_MODE_EXTRAS,
    pairs=(PayloadType.ID,),
)
QM3 = _quick_mode(3, "waiting for the initiator's last word", optional=(PayloadType.NOTIFICATION,))
QM4 = _quick_mode(
    4, "waiting for the responder to say CONNECTED", optional=(PayloadType.NOTIFICATION,)
)
"""Quick mode, RFC 2409 5.5; the initiator has the timer for message 1, the responder for
message 2, and the initiator for message 3 where the responder asked to be waited for."""


@dataclass(slots=True)
class Answer:
    """An admitted message, as `accept` sees it."""

    payloads: Payloads
    cky_r: bytes
    commit: bool
    """The Commit bit of its header (RFC 2408 3.1)."""


def payloads_of(answer: Answer) -> Payloads:
    return answer.payloads


Proof = Callable[[bytes], bytes]
"""HASH(n): from the octets after the HASH payload to the HASH."""


@dataclass(slots=True)
class Await:
    """Wait for a message.

    accept: judges the message while nothing has changed yet and returns what the ladder gets.
            It raises `Inadmissible` to drop the message and wait on, `Refused` to end it all.
    check:  the HASH(n) that must stand first in the message (quick mode).
    hears:  on which other paths the message may come; the exchange moves there with it.
    """

    expect: Step
    accept: Callable[[Answer], Any] = payloads_of
    check: Proof | None = None
    hears: Callable[[Path], bool] | None = None


@dataclass(slots=True)
class Tell:
    """Send a message and go on. proof: the HASH(n) to put first (quick mode)."""

    step: Step
    payloads: Sequence[Payload] = ()
    proof: Proof | None = None


@dataclass(slots=True)
class Ask:
    """Send a message and wait for its answer: a `Tell` and an `Await` in one rung."""

    step: Step
    payloads: Sequence[Payload]
    expect: Step
    accept: Callable[[Answer], Any] = payloads_of
    proof: Proof | None = None
    check: Proof | None = None
    hears: Callable[[Path], bool] | None = None


@dataclass(slots=True)
class Move:
    """From here on send and expect messages on this path."""

    path: Path


@dataclass(slots=True)
class Protect:
    """From here on encrypt and decrypt, HDR* in the RFC's diagrams, with this key and first IV."""

    cipher: Cipher
    key: bytes = field(repr=False)
    iv: bytes
    only_zeros: bool = False
    """Whether the peer is known to pad with nothing else."""
