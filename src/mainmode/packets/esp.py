"""ESP: encryption and integrity of a payload.

The IP header in front of it is not covered.

    octet  0  SPI 4
           4  sequence number 4
           8  IV, one cipher block (absent with null encryption)
              payload | padding 1,2,3,... | pad length 1 | next header 1   (all encrypted)
              ICV over everything before it

Source: RFC 2406; RFC 2405, 2451, 3602 (ciphers), 2410 (null), 2403, 2404, 4868 (integrity).
Does not: modes or selectors; `associations` does.
"""

from struct import Struct

from mainmode.crypto.algorithms import CIPHERS, HASHES
from mainmode.crypto.ciphers import Cbc
from mainmode.crypto.prf import Prf, digests_equal
from mainmode.model import IpsecSa, UdpEncapsulation
from mainmode.numbers import IpProtocol
from mainmode.packets import ip, nat
from mainmode.packets.refusal import PacketRefused, Refusal
from mainmode.packets.replay import ReplayWindow
from mainmode.packets.sequence import SequenceNumbers

HEADER_OCTETS = 8
TRAILER_OCTETS = 2
"""Pad length and next header."""

_HEADER = Struct(">II")
_PADDING = bytes(range(1, 256))


class _Suite:
    """The algorithms of one SA, keyed."""

    def __init__(self, sa: IpsecSa) -> None:
        cipher = CIPHERS[sa.cipher]
        self.spi = sa.spi
        self.block_octets = cipher.block_octets
        self.cbc = Cbc(cipher, sa.cipher_key) if cipher.key_octets else None
        self.iv_octets = cipher.block_octets if self.cbc else 0
        integrity = HASHES[sa.integrity] if sa.integrity else None
        self.prf = Prf(integrity, sa.integrity_key) if integrity else None
        self.icv_octets = integrity.icv_octets if integrity else 0


class EspSealer:
    """The sending end of one ESP SA between two packed IPv4 addresses, in UDP or not."""

    def __init__(
        self,
        sa: IpsecSa,
        source: bytes,
        destination: bytes,
        udp: UdpEncapsulation | None = None,
    ) -> None:
        self._suite = _Suite(sa)
        self._source = source
        self._destination = destination
        self._udp = udp
        self._protocol = IpProtocol.UDP if udp else IpProtocol.ESP
        self.sequence = SequenceNumbers()

    def seal(self, payload: bytes, next_header: int, tos: int, ttl: int) -> bytes:
        """A whole IP packet: header, UDP where it is wanted, and ESP around `payload`.

        Raises PacketRefused EXPIRED or TOO_BIG.
        """
        suite = self._suite
        sequence = self.sequence.take()
        pad_octets = -(len(payload) + TRAILER_OCTETS) % suite.block_octets
        body = payload + _PADDING[:pad_octets] + bytes((pad_octets, next_header))
        if suite.cbc is not None:
            # One block of sequence number goes first: its ciphertext is this packet's IV, fresh
            # and unpredictable (NIST SP 800-38A, appendix C), at no cost of random octets.
            body = suite.cbc.encrypt_chained(sequence.to_bytes(suite.iv_octets, "big") + body)
        esp = _HEADER.pack(suite.spi, sequence) + body
        if suite.prf is not None:
            esp += suite.prf(esp)[: suite.icv_octets]
        if self._udp is not None:
            esp = nat.in_udp(self._udp, esp)
        return ip.build(
            self._protocol,
            self._source,
            self._destination,
            esp,
            tos=tos,
            ttl=ttl,
            identification=ip.identification(sequence),
        )


class EspOpener:
    """The receiving end of one ESP SA."""

    def __init__(self, sa: IpsecSa) -> None:
        self._suite = _Suite(sa)
        self._window = ReplayWindow()
        self._shortest = max(self._suite.block_octets, TRAILER_OCTETS)

    def open(self, packet: bytes, start: int) -> tuple[bytes, int]:
        """The payload and its next header, from a packet whose ESP begins at `start`.

        In this order: length, replay window, ICV in constant time, the window moves, decryption,
        padding. Without integrity there is no replay check either (RFC 2406 3.4.3), for anybody
        could move the window. Raises PacketRefused.
        """
        suite = self._suite
        end = len(packet) - suite.icv_octets
        iv_start = start + HEADER_OCTETS
        body_octets = end - iv_start - suite.iv_octets
        if body_octets < self._shortest or body_octets % suite.block_octets:
            raise PacketRefused(Refusal.MALFORMED)
        if suite.prf is not None:
            self._authenticate(suite.prf, packet, start, end)
        body = packet[iv_start:end]
        if suite.cbc is not None:
            body = suite.cbc.decrypt_chained(body)
        pad_octets, next_header = body[-2], body[-1]
        payload_octets = len(body) - TRAILER_OCTETS - pad_octets
        if payload_octets < 0 or body[payload_octets:-TRAILER_OCTETS] != _PADDING[:pad_octets]:
            raise PacketRefused(Refusal.NOT_DECRYPTED)
        return body[:payload_octets], next_header

    def _authenticate(self, prf: Prf, packet: bytes, start: int, end: int) -> None:
        _, sequence = _HEADER.unpack_from(packet, start)
        if not self._window.permits(sequence):
            raise PacketRefused(Refusal.REPLAYED)
        expected = prf(packet[start:end])[: self._suite.icv_octets]
        if not digests_equal(expected, packet[end:]):
            raise PacketRefused(Refusal.NOT_AUTHENTICATED)
        self._window.advance(sequence)
