"""Reads the messages of `tests/vectors/messages/`; its README says what the files hold."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from mainmode.wire.message import (
    encode_message,
    encode_payloads,
    parse_message_untrusted,
    parse_payloads_untrusted,
)
from mainmode.wire.payloads import Payload, SaPayload

FOLDER = Path(__file__).parent.parent / "vectors" / "messages"


@dataclass(frozen=True)
class Sample:
    name: str
    octets: bytes
    first: int | None
    """Type of the first payload of a plaintext; None: a whole datagram."""

    def decode_and_encode(self, octets: bytes) -> bytes:
        """What these octets are once decoded and encoded again, from the fields alone.

        Raises: Malformed.
        """
        if self.first is None:
            message = parse_message_untrusted(octets)
            return encode_message(replace(message, payloads=without_raw(message.payloads)))
        payloads = parse_payloads_untrusted(self.first, octets)
        return encode_payloads(without_raw(payloads.items)) + octets[payloads.end :]


def without_raw(payloads: tuple[Payload, ...]) -> tuple[Payload, ...]:
    """The same payloads without the octets they were read from."""
    return tuple([replace(each) if isinstance(each, SaPayload) else each for each in payloads])


def read_sample(file: Path) -> Sample:
    comment, *lines = file.read_text().splitlines()
    if not comment.startswith("# "):
        raise ValueError(f"{file.name}: the first line is a comment")
    octets = bytes.fromhex("".join(lines))
    if not file.name.endswith(".payloads.hex"):
        return Sample(file.name, octets, None)
    first = re.match(r"# first payload (\d+): ", comment)
    if first is None:
        raise ValueError(f"{file.name}: the comment does not name the first payload")
    return Sample(file.name, octets, int(first[1]))


CORPUS = tuple(read_sample(file) for file in sorted(FOLDER.glob("*.hex")))
DATAGRAMS = tuple(sample.octets for sample in CORPUS if sample.first is None)


def sample(name: str) -> Sample:
    return next(each for each in CORPUS if each.name == name)
