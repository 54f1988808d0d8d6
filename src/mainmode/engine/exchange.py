"""Drives one ladder: admission, retransmission, duplicates, encryption.

What a forger can send ends here: a datagram reaches the ladder only when it fits the step that is
awaited, decrypts, carries the right HASH and means something acceptable. Until then nothing
changes: no IV, no timer, no cookie.

Who repeats what (one side has the timer, or a single duplicate echoes for ever): the sender of a
step marked `resent` sends it again until the answer comes; the other side answers an identical
datagram with the reply it has kept.

Source: RFC 2408 5.1, RFC 2409 5; docs/service.md 15 for the retry cycle.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from mainmode import limits
from mainmode.engine.desk import Desk
from mainmode.engine.envelope import Envelope, require_proof, with_proof
from mainmode.engine.events import MessageReceived, MessageSent, Suspicion
from mainmode.engine.informational import in_clear
from mainmode.engine.main_mode import MainMode, Provisional
from mainmode.engine.quick_mode import QuickMode
from mainmode.engine.timers import Timer, TimerKind
from mainmode.errors import Malformed
from mainmode.failures import Failure, Inadmissible, Reason, Refused, Side
from mainmode.ladder import MM5, MM6, Answer, Ask, Await, Ladder, Move, Proof, Protect, Step, Tell
from mainmode.model import Path
from mainmode.numbers import ExchangeType, HeaderFlag
from mainmode.wire.header import HEADER_OCTETS, Header
from mainmode.wire.message import Payloads, encode_payloads, parse_payloads_untrusted
from mainmode.wire.payloads import Payload, short_name

Key = tuple[bytes, bytes, int]
"""CKY-I, CKY-R (zero as long as the responder has not spoken), message ID."""

Negotiation = MainMode | QuickMode
"""Whose ladder runs in an exchange."""

_EVIDENCE_MAX = 8


class Exchange:
    """One main mode or quick mode under way, or just finished.

    negotiation: the object whose ladder runs here; the engine finds it again when it ends.
    done, failed: told the ladder's return value, or the failure; exactly one of them, once.
    """

    def __init__(
        self,
        desk: Desk,
        ladder: Ladder[Any],
        negotiation: Negotiation,
        *,
        path: Path,
        key: Key,
        retry_intervals_s: tuple[float, ...],
        done: Callable[["Exchange", Any], None],
        failed: Callable[["Exchange", Failure], None],
    ) -> None:
        self.path = path
        self.cky_i, self.cky_r, self.message_id = key
        self.negotiation = negotiation
        self.authentic = False
        """Whether the peer has shown that it knows the keys of this exchange."""
        self.last_block = b""
        """Once finished: its last ciphertext block, where later IVs start (RFC 2409 app. B)."""
        self.timed_out = False
        """Whether it has failed because nobody answered."""
        self._desk = desk
        self._ladder: Ladder[Any] | None = ladder
        self._retry_intervals_s = retry_intervals_s
        self._done = done
        self._failed = failed
        self._waiting: Await | Ask | None = None
        self._point = "preparing the first message"
        """The waiting point it stands at, or has stood at last: where it fails, if it does."""
        self._envelope: Envelope | None = None
        self._received = b""
        self._sent = b""
        self._sent_event: MessageSent | None = None
        self._retries = 0
        self._replies = 0
        self._timer: Timer | None = None
        self._evidence: list[str] = []
        self._suspicion: Failure | None = None
        self._moved = False
        """Whether it went on through other ports on its own account."""

    @property
    def key(self) -> Key:
        return (self.cky_i, self.cky_r, self.message_id)

    @property
    def finished(self) -> bool:
        return self._ladder is None

    @property
    def received_octets(self) -> int:
        """Length of the last datagram that counted: no refusal of it is longer."""
        return len(self._received)

    @property
    def has_spoken(self) -> bool:
        """Whether a message of ours has gone out in it."""
        return self._sent_event is not None

    @property
    def awaits(self) -> Step | None:
        """The step that is awaited, or None."""
        return self._waiting.expect if self._waiting is not None else None

    def provisional(self) -> Provisional | None:
        """What reads the peer's protected word on a main mode that awaits its last message."""
        if self.awaits is not MM6 or self._envelope is None:
            return None
        mm = self.negotiation
        return mm.provisional(self._envelope.iv) if isinstance(mm, MainMode) else None

    # --- inputs -----------------------------------------------------------------------------

    def begin(self) -> None:
        """Climb to the first rung."""
        self._climb(None)

    def resume(self, result: object) -> None:
        """A job of the ladder has come back. If the exchange has failed meanwhile, what the driver
        did for it is undone."""
        if not self.finished:
            self._climb(result)
        elif isinstance(result, int):
            self._desk.remove_pair(result)
        elif isinstance(self.negotiation, QuickMode) and self.negotiation.spi:
            self._desk.remove_pair(self.negotiation.spi)

    def hears(self, path: Path) -> bool:
        """Whether its messages may come on this path: its own, or where it may move."""
        if path == self.path:
            return True
        hears = self._waiting.hears if self._waiting is not None else None
        return hears is not None and hears(path)

    def admit(self, header: Header, datagram: bytes, path: Path) -> bool:
        """Take a datagram of this exchange on a path that it hears; whether it reached the
        ladder. The exchange moves to another path only then."""
        if datagram == self._received:
            self._answer_duplicate(datagram)
            return False
        waiting = self._waiting
        if waiting is None:
            self._desk.drop(self.path, datagram, "nothing is awaited in its exchange")
            return False
        try:
            answer = self._open(header, datagram, waiting)
            value = self._judge(answer, waiting)
        except Inadmissible as inadmissible:
            self._suspect(inadmissible.failure, datagram, path, waiting.expect)
            return False
        except Refused as refused:
            self.authentic = self.authentic or waiting.expect.encrypted
            self._received = datagram
            if waiting.expect is MM5:
                self._complain(refused.failure, datagram, path)
            self.fail(refused.failure)
            return False
        self.path = path
        self._accept(header, datagram, waiting.expect, answer.payloads)
        self._climb(value)
        return True

    def retry(self) -> None:
        """The timer of the last message ran out: send it again, or give up."""
        self._retries += 1
        if self._retries >= len(self._retry_intervals_s):
            self.time_out()
            return
        self._send_again(self._retries)
        self._arm(TimerKind.RETRY, self._retry_intervals_s[self._retries])

    def time_out(self) -> None:
        """Nobody has answered: fail with what is known about why."""
        self.timed_out = True
        failure = self._suspicion or Failure(Reason.TIMED_OUT, Side.NOBODY)
        step = self.awaits
        if self._suspicion is None and step is not None:
            failure = Failure(step.silence, Side.NOBODY, detail=self._silence_detail(step))
        self.fail(replace(failure, evidence=tuple(self._evidence)))

    def _silence_detail(self, step: Step) -> str:
        if not self._moved:
            return step.silence_detail
        return f"{step.silence_detail}; or UDP port {self.path.peer.port} is closed on the way"

    def note(self, failure: Failure) -> bool:
        """Something unauthenticated points to a failure: remember it, change nothing.

        Returns whether it was news.
        """
        evidence = failure.detail or failure.reason.sentence
        if evidence in self._evidence or len(self._evidence) >= _EVIDENCE_MAX:
            return False
        self._evidence.append(evidence)
        self._suspicion = failure.at(self._point)
        self._desk.record(Suspicion(self.path, replace(self._suspicion, evidence=(evidence,))))
        return True

    def fail(self, failure: Failure) -> None:
        """End here, without an SA."""
        if self._end():
            self._failed(self, failure.at(self._point))

    def discard(self) -> None:
        """End as if it had never begun."""
        self._end()

    # --- the ladder -------------------------------------------------------------------------

    def _climb(self, value: object) -> None:
        """Hand the ladder what it waited for, and do what it asks until it waits again."""
        ladder = self._ladder
        if ladder is None:
            return
        try:
            while True:
                rung = ladder.send(value)
                value = None
                if isinstance(rung, Protect):
                    self._envelope = Envelope(
                        rung.cipher, rung.key, rung.iv, only_zeros=rung.only_zeros
                    )
                elif isinstance(rung, Move):
                    self.path = rung.path
                    self._moved = True
                elif isinstance(rung, Tell):
                    self._send(rung.step, rung.payloads, rung.proof)
                elif isinstance(rung, Ask):
                    self._send(rung.step, rung.payloads, rung.proof)
                    self._await(rung, resent=rung.step.resent)
                    return
                elif isinstance(rung, Await):
                    self._await(rung, resent=False)
                    return
                else:
                    self._point = rung.waiting
                    self._desk.run(rung, self)
                    return
        except StopIteration as stop:
            self.last_block = self._envelope.iv if self._envelope is not None else b""
            self._end()
            self._arm(TimerKind.DEADLINE, limits.FINISHED_EXCHANGE_S)
            self._done(self, stop.value)
        except Refused as refused:
            self.fail(refused.failure)

    def _await(self, rung: Await | Ask, *, resent: bool) -> None:
        self._waiting = rung
        self._point = rung.expect.waiting
        self._retries = 0
        if resent:
            self._arm(TimerKind.RETRY, self._retry_intervals_s[0])
        else:
            self._arm(TimerKind.DEADLINE, limits.HALF_OPEN_S)

    def _end(self) -> bool:
        """Let go of ladder, keys and timers; False when that has happened before."""
        if self._ladder is None:
            return False
        ladder, self._ladder = self._ladder, None
        ladder.close()
        self._waiting = self._envelope = None
        self._disarm()
        return True

    # --- sending ----------------------------------------------------------------------------

    def _send(self, step: Step, payloads: Sequence[Payload], proof: Proof | None) -> None:
        names = [short_name(payload) for payload in payloads]
        if proof is not None:
            first, body = with_proof(proof, payloads)
            names.insert(0, "HASH")
        else:
            first, body = payloads[0].kind, encode_payloads(payloads)
        flags = 0
        if step.encrypted:
            if self._envelope is None:
                raise ValueError(f"{step.name} goes out encrypted, but there are no keys yet")
            body, flags = self._envelope.seal(body), HeaderFlag.ENCRYPTION
        header = Header(
            self.cky_i,
            self.cky_r,
            first,
            step.exchange,
            flags,
            self.message_id,
            HEADER_OCTETS + len(body),
        )
        self._sent = header.encode() + body
        self._replies = 0
        self._desk.send(self.path, self._sent)
        self._sent_event = MessageSent(
            self.path,
            self.cky_i,
            step.name,
            ("HDR*" if step.encrypted else "HDR", *names),
            len(self._sent),
        )
        self._desk.record(self._sent_event)

    def _answer_duplicate(self, datagram: bytes) -> None:
        """The peer repeats itself, so our reply was lost; answer, unless we have the timer."""
        have_timer = Timer(TimerKind.RETRY, self.key) in self._desk.timers
        if not self._sent or have_timer or self._replies >= limits.DUPLICATE_REPLIES_MAX:
            self._desk.drop(self.path, datagram, "a duplicate")
            return
        self._replies += 1
        self._send_again(self._replies)

    def _send_again(self, retry: int) -> None:
        """The last message, octet for octet: its IV has moved on."""
        self._desk.send(self.path, self._sent)
        if self._sent_event is not None:
            self._desk.record(replace(self._sent_event, retry=retry))

    # --- admission --------------------------------------------------------------------------

    def _open(self, header: Header, datagram: bytes, waiting: Await | Ask) -> Answer:
        """The payloads of a datagram that fits the awaited step. Raises Inadmissible."""
        step = waiting.expect
        encrypted = header.encrypted
        if header.exchange != step.exchange or encrypted != step.encrypted:
            form = "encrypted" if encrypted else "clear"
            detail = f"a {form} message of exchange {header.exchange} is not {step.name}"
            raise Inadmissible(Failure(Reason.MALFORMED, detail=detail))
        body = datagram[HEADER_OCTETS : header.length]
        if encrypted:
            if self._envelope is None:
                raise Inadmissible(Failure(Reason.MALFORMED, detail="there are no keys yet"))
            body = self._envelope.open(body)
        payloads = self._parse(header, body, step)
        if self._envelope is not None and encrypted:
            self._envelope.require_padding(body, payloads)
        if waiting.check is not None:
            require_proof(waiting.check, body, payloads)
        return Answer(payloads, header.cky_r, header.commit)

    def _judge(self, answer: Answer, waiting: Await | Ask) -> object:
        """What the message means to the ladder. Raises Inadmissible, Refused."""
        try:
            return waiting.accept(answer)
        except Malformed as malformed:
            failure = Failure(Reason.MALFORMED, detail=str(malformed))
            raise Inadmissible(failure) from malformed

    def _parse(self, header: Header, body: bytes, step: Step) -> Payloads:
        base = 0 if step.encrypted else HEADER_OCTETS
        try:
            payloads = parse_payloads_untrusted(header.next_payload, body, base=base)
        except Malformed as malformed:
            raise self._unreadable(step, str(malformed)) from malformed
        misfit = step.misfit(payloads.kinds)
        if misfit:
            raise self._unreadable(step, misfit)
        return payloads

    def _unreadable(self, step: Step, why: str) -> Inadmissible:
        """A message that is no such step. The first encrypted one of a main mode that turns out
        to be noise is what a wrong preshared key looks like."""
        if step.encrypted and step.exchange == ExchangeType.MAIN and not self.authentic:
            detail = f"{step.name} decrypts to noise ({why})"
            return Inadmissible(Failure(Reason.WRONG_KEY, detail=detail))
        return Inadmissible(Failure(Reason.MALFORMED, detail=f"{step.name}: {why}"))

    def _accept(self, header: Header, datagram: bytes, step: Step, payloads: Payloads) -> None:
        """From here on the datagram has happened."""
        self._disarm()
        self._waiting = self._suspicion = None
        self.cky_r = header.cky_r
        if step.encrypted and self._envelope is not None:
            self._envelope.accept(datagram[HEADER_OCTETS : header.length])
            self.authentic = True
        self._received, self._sent = datagram, b""
        self._desk.record(
            MessageReceived(
                self.path,
                self.cky_i,
                step.name,
                (
                    "HDR*" if step.encrypted else "HDR",
                    *(short_name(payload) for payload in payloads.items),
                ),
                len(datagram),
            )
        )

    def _suspect(self, failure: Failure, datagram: bytes, path: Path, step: Step) -> None:
        """An inadmissible message: drop it; say at once what it may mean."""
        self._desk.drop(path, datagram, failure.detail or failure.reason.sentence)
        if failure.reason is Reason.MALFORMED:
            return
        if self.note(failure) and step is MM5:
            self._complain(failure, datagram, path)

    def _complain(self, failure: Failure, datagram: bytes, path: Path) -> None:
        """Tell the initiator, in clear, what is wrong with its proof: it cannot know otherwise.
        To somebody who has returned our cookie."""
        desk, notify = self._desk, failure.reason.notify
        if notify is not None and desk.may_answer_stranger():
            octets = len(datagram)
            answer = in_clear(self.cky_i, self.cky_r, notify, desk.entropy, b"", octets)
            if answer:
                desk.send(path, answer)

    # --- timers -----------------------------------------------------------------------------

    def _arm(self, kind: TimerKind, after_s: float) -> None:
        """There is one at a time."""
        self._timer = Timer(kind, self.key)
        self._desk.timers.set(self._timer, self._desk.now + after_s)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._desk.timers.cancel(self._timer)
            self._timer = None
