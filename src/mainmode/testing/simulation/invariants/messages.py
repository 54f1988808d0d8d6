"""No message ID or IV twice, and nothing repeated beyond the retry cycle."""

from typing import TYPE_CHECKING

from mainmode import limits
from mainmode.testing.simulation.watch import Watcher

if TYPE_CHECKING:
    from mainmode.testing.simulation.host import Host
    from mainmode.testing.simulation.messages import Message

_MESSAGES_MAX = {"quick mode": 4, "informational": 2}
"""Different messages in one exchange; two informational ones are a reliable delete."""
_SLACK_S = 0.01


class MessagesOnce(Watcher):
    """Under one main mode every message ID belongs to one exchange, in which the two sides take
    turns. The first IV comes from the message ID, each later one from the last block of the
    message before, hence none is used twice then."""

    name = "no message ID or IV twice"

    def said(self, host: "Host", message: "Message", datagram: bytes) -> None:
        talk, number = message.talk, message.number
        if not message.is_first or not message.said.encrypted:
            return
        named = f"{talk.name} {datagram[:8].hex()} {datagram[20:24].hex()}"
        if talk.name == "main mode":
            ours = [each for each in talk.said if each.sender == host.address and each.encrypted]
            if len(ours) > 1:
                raise self.broken(f"{host} proves itself twice in {named}")
            return
        if number > _MESSAGES_MAX.get(talk.name, 0):
            raise self.broken(f"{host} says a message {number} in {named}")
        if number > 1 and talk.said[number - 2].sender == host.address:
            raise self.broken(f"{host} says two messages running in {named}")
        if not any(datagram[20:24]):
            raise self.broken(f"{host} begins {named} without a message ID")


class RetryCycle(Watcher):
    """The same octets are never sent more often, or later, than the retry cycle or the answers to
    duplicates allow."""

    name = "retries stay in the cycle"

    def said(self, host: "Host", message: "Message", datagram: bytes) -> None:
        said = message.said
        intervals = host.terms.policy.main_mode.retry_intervals_s
        times_max = max(len(intervals), 1 + limits.DUPLICATE_REPLIES_MAX)
        if message.talk.name == "informational":
            times_max = 1 + len(limits.DELETE_RETRY_INTERVALS_S)
        if said.times > times_max:
            raise self.broken(f"{host} says {message.name} {said.times} times")
        if message.is_first or said.offset_s < host.offset_s:
            return  # a clock that was set forward tells no time
        late_s = host.engine_time - said.at
        if late_s > sum(intervals) + limits.FINISHED_EXCHANGE_S + _SLACK_S:
            raise self.broken(f"{host} says {message.name} again after {late_s:.1f} s")
