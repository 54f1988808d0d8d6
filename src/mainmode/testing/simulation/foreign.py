"""What peers say that are not mainmode, for scenarios: vendor IDs, flags, messages of their own.

    announces(stage, bob, MICROSOFT)                  # other vendor IDs in main mode
    say(bob, alice, Delete(...), Delete(...))         # under bob's main mode SA with Alice

What no HASH covers is changed on the way; the rest is said with a host's keys.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

from mainmode.engine import informational
from mainmode.engine.associations import MainModeSa
from mainmode.numbers import HeaderFlag
from mainmode.testing.simulation.host import Host
from mainmode.testing.simulation.stage import Stage
from mainmode.wire.header import HEADER_OCTETS
from mainmode.wire.message import encode_message, parse_message_untrusted
from mainmode.wire.payloads import Payload, VendorId

if TYPE_CHECKING:
    from mainmode.testing.simulation.messages import Message

_FLAGS = 19
"""Where the flags stand in a header."""
_GREETINGS = ("main mode message 1", "main mode message 2")


def announces(stage: Stage, host: Host, *vendor_ids: bytes) -> None:
    """From now on the host's messages have these vendor IDs instead of its own."""

    def rewrite(source: Host, message: "Message", datagram: bytes) -> bytes:
        if source is not host or message.name not in _GREETINGS:
            return datagram
        greeting = parse_message_untrusted(datagram)
        kept = [each for each in greeting.payloads if not isinstance(each, VendorId)]
        said = [VendorId(each) for each in vendor_ids]
        return encode_message(replace(greeting, payloads=(*kept, *said)))

    stage.world.ether.rewrites = rewrite


def sets_commit_bit(stage: Stage, host: Host) -> None:
    """From now on the host asks in message 2 of quick mode to be waited for."""

    def rewrite(source: Host, message: "Message", datagram: bytes) -> bytes:
        if source is not host or message.name != "quick mode message 2":
            return datagram
        flags = bytes([datagram[_FLAGS] | HeaderFlag.COMMIT])
        return datagram[:_FLAGS] + flags + datagram[_FLAGS + 1 :]

    stage.world.ether.rewrites = rewrite


def say(host: Host, peer: Host, *payloads: Payload) -> None:
    """One informational message, all payloads in it, under the newest main mode SA."""
    sa = _newest(host, peer)
    message_id = informational.fresh_message_id(sa, host.world.chance.randbytes)
    chain, proof = informational.envelope(sa, message_id), informational.first_proof(sa, message_id)
    host.send(sa.path, informational.sealed(sa.cookies, message_id, chain, proof, payloads))


def say_connected(host: Host, peer: Host, message_3: bytes, connected: Payload) -> None:
    """Message 4 of a quick mode, after the message 3 that the host has heard."""
    sa = _newest(host, peer)
    message_id = int.from_bytes(message_3[20:24])
    chain, proof = informational.envelope(sa, message_id), informational.first_proof(sa, message_id)
    chain.accept(message_3[HEADER_OCTETS:])
    said = informational.sealed(sa.cookies, message_id, chain, proof, [connected])
    quick_mode = message_3[18:19]
    host.send(sa.path, said[:18] + quick_mode + said[19:])


def _newest(host: Host, peer: Host) -> MainModeSa:
    return next(
        sa for sa in reversed(host.engine.main_mode_sas()) if sa.path.peer.address == peer.address
    )
