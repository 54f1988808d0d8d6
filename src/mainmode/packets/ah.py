"""AH: integrity of a whole IPv4 packet, its header included.

    octet  0  next header 1
           1  length in 32-bit words, less two 1
           2  reserved 2
           4  SPI 4
           8  sequence number 4
          12  ICV over the IP header with its mutable fields zero, this header with ICV zero,
              and the payload

Source: RFC 2402 (2 layout, 3.3.3 what the ICV covers, appendix A for options); RFC 2403, 2404,
4868 (integrity).
Does not: modes or selectors; `associations` does.
"""

from struct import Struct

from mainmode.crypto.algorithms import HASHES
from mainmode.crypto.prf import Prf, digests_equal
from mainmode.model import IpsecSa
from mainmode.numbers import IpProtocol
from mainmode.packets import ip
from mainmode.packets.refusal import PacketRefused, Refusal
from mainmode.packets.replay import ReplayWindow
from mainmode.packets.sequence import SequenceNumbers

FIXED_OCTETS = 12
"""The header without its ICV."""

_HEADER = Struct(">BBHII")
_END_OF_OPTIONS = 0
_NO_OPERATION = 1
_IMMUTABLE_OPTIONS = frozenset({130, 133, 134, 148, 149})
"""Security, extended security, commercial security, router alert, selective directed broadcast:
covered as they are. Every other option counts as zeros (RFC 2402 appendix A1)."""


class _Suite:
    """The integrity algorithm of one SA, keyed."""

    def __init__(self, sa: IpsecSa) -> None:
        integrity = HASHES[sa.integrity]
        self.spi = sa.spi
        self.icv_octets = integrity.icv_octets
        self.octets = FIXED_OCTETS + self.icv_octets
        self.length_field = self.octets // 4 - 2
        self._prf = Prf(integrity, sa.integrity_key)

    def icv(self, ip_header: bytes, ah_fixed: bytes, payload: bytes) -> bytes:
        covered = _without_mutable_fields(ip_header) + ah_fixed + bytes(self.icv_octets) + payload
        return self._prf(covered)[: self.icv_octets]


class AhSealer:
    """The sending end of one AH SA between two packed IPv4 addresses."""

    def __init__(self, sa: IpsecSa, source: bytes, destination: bytes) -> None:
        self._suite = _Suite(sa)
        self._source = source
        self._destination = destination
        self.sequence = SequenceNumbers()

    def seal(self, payload: bytes, next_header: int, tos: int, ttl: int) -> bytes:
        """A whole IP packet: header, AH and `payload`. The identification is covered, so the
        packet must go out with it. Raises PacketRefused EXPIRED or TOO_BIG."""
        suite = self._suite
        sequence = self.sequence.take()
        fixed = _HEADER.pack(next_header, suite.length_field, 0, suite.spi, sequence)
        blank = ip.build(
            IpProtocol.AH,
            self._source,
            self._destination,
            fixed + bytes(suite.icv_octets) + payload,
            tos=tos,
            ttl=ttl,
            identification=ip.identification(sequence),
        )
        header = blank[: ip.HEADER_OCTETS]
        return header + fixed + suite.icv(header, fixed, payload) + payload


class AhOpener:
    """The receiving end of one AH SA."""

    def __init__(self, sa: IpsecSa) -> None:
        self._suite = _Suite(sa)
        self._window = ReplayWindow()

    def open(self, packet: bytes, start: int) -> tuple[bytes, int]:
        """The payload and its next header, from an IP packet whose AH begins at `start`.

        In this order: length, replay window, ICV in constant time, the window moves. Raises
        PacketRefused.
        """
        suite = self._suite
        if len(packet) < start + suite.octets or packet[start + 1] != suite.length_field:
            raise PacketRefused(Refusal.MALFORMED)
        next_header, _, _, _, sequence = _HEADER.unpack_from(packet, start)
        if not self._window.permits(sequence):
            raise PacketRefused(Refusal.REPLAYED)
        fixed_end = start + FIXED_OCTETS
        payload_start = start + suite.octets
        payload = packet[payload_start:]
        expected = suite.icv(packet[:start], packet[start:fixed_end], payload)
        if not digests_equal(expected, packet[fixed_end:payload_start]):
            raise PacketRefused(Refusal.NOT_AUTHENTICATED)
        self._window.advance(sequence)
        return payload, next_header


def _without_mutable_fields(header: bytes) -> bytes:
    """The IP header with zeros for what routers change (RFC 2402 3.3.3.1.1): type of service,
    flags and offset, time to live, checksum, and the options that count as mutable."""
    fixed = header[:1] + b"\0" + header[2:6] + b"\0\0\0" + header[9:10] + b"\0\0" + header[12:20]
    if len(header) == ip.HEADER_OCTETS:
        return fixed
    return fixed + _without_mutable_options(header[ip.HEADER_OCTETS :])


def _without_mutable_options(options: bytes) -> bytes:
    """Raises PacketRefused MALFORMED when an option overruns the header."""
    kept = bytearray(options)
    place = 0
    while place < len(options) and options[place] != _END_OF_OPTIONS:
        kind = options[place]
        if kind == _NO_OPERATION:
            place += 1
            continue
        octets = options[place + 1] if place + 1 < len(options) else 0
        if octets < 2 or place + octets > len(options):
            raise PacketRefused(Refusal.MALFORMED)
        if kind not in _IMMUTABLE_OPTIONS:
            kept[place : place + octets] = bytes(octets)
        place += octets
    return bytes(kept)
