"""What one side tells the other: notifications and deletes.

Source: RFC 2408 3.14 and 3.15, RFC 2407 4.6.3, MS-IKEE 2.2.6.
Does not: act on them, or ask whether they were protected; `engine.informational` does.
"""

from dataclasses import dataclass
from struct import Struct
from typing import ClassVar

from mainmode.errors import Malformed
from mainmode.numbers import Doi, NotifyType, PayloadType, ProtocolId
from mainmode.wire.layout import require_octets
from mainmode.wire.proposals import COOKIE_PAIR_OCTETS, CPI_OCTETS, SPI_OCTETS

_NOTIFICATION = Struct(">IBBH")
_DELETE = Struct(">IBBH")
_DOIS_WITH_THESE_PROTOCOLS = (int(Doi.ISAKMP), int(Doi.IPSEC))


@dataclass(slots=True)
class Notification:
    """| DOI, 4 | protocol | SPI size | type, 2 | SPI | data ... |

    SPIs of any size are kept: the cookies, an SPI, nothing, or the 8 octets of MS-IKEE 2.2.6.
    """

    kind: ClassVar[PayloadType] = PayloadType.NOTIFICATION

    doi: int
    protocol: int
    notify: int
    spi: bytes
    data: bytes
    reserved: int = 0

    @classmethod
    def parse_untrusted(cls, data: bytes, at: int, end: int, reserved: int) -> "Notification":
        require_octets("N", _NOTIFICATION.size, at, end)
        doi, protocol, spi_octets, notify = _NOTIFICATION.unpack_from(data, at)
        spi_at = at + _NOTIFICATION.size
        data_at = spi_at + spi_octets
        if data_at > end:
            raise Malformed("N", at + 5, f"the SPI of {spi_octets} octets ends with the payload")
        return cls(doi, protocol, notify, data[spi_at:data_at], data[data_at:end], reserved)

    def body(self) -> bytes:
        head = _NOTIFICATION.pack(self.doi, self.protocol, len(self.spi), self.notify)
        return head + self.spi + self.data


_DELETE_SPI_SIZES: dict[int, tuple[int, ...]] = {
    ProtocolId.ISAKMP: (COOKIE_PAIR_OCTETS,),
    ProtocolId.AH: (SPI_OCTETS,),
    ProtocolId.ESP: (SPI_OCTETS,),
    ProtocolId.IPCOMP: (CPI_OCTETS, SPI_OCTETS),
}
_ANY_SIZE = range(1, 256)
"""Not 0: a payload of 12 octets could then name 65535 SPIs."""


@dataclass(slots=True)
class Delete:
    """| DOI, 4 | protocol | SPI size | count, 2 | SPIs ... |

    The sender's inbound SPIs, or cookie pairs for ISAKMP.
    """

    kind: ClassVar[PayloadType] = PayloadType.DELETE

    doi: int
    protocol: int
    spis: tuple[bytes, ...]
    """All of one size."""
    empty_spi_size: int = 0
    """The size field of a delete without SPIs; such a delete means nothing but is well-formed."""
    reserved: int = 0

    @classmethod
    def parse_untrusted(cls, data: bytes, at: int, end: int, reserved: int) -> "Delete":
        require_octets("D", _DELETE.size, at, end)
        doi, protocol, size, count = _DELETE.unpack_from(data, at)
        spis_at = at + _DELETE.size
        if count * size != end - spis_at:
            raise Malformed(
                "D", at + 6, f"{count} SPIs of {size} octets do not fill {end - spis_at} octets"
            )
        if not count:
            return cls(doi, protocol, (), size, reserved)
        fitting = (
            _DELETE_SPI_SIZES.get(protocol, _ANY_SIZE)
            if doi in _DOIS_WITH_THESE_PROTOCOLS
            else _ANY_SIZE
        )
        if size not in fitting:
            raise Malformed(
                "D",
                at + 5,
                f"an SPI of protocol {protocol} does not have {size} octets",
                NotifyType.INVALID_SPI,
            )
        spis = tuple([data[spi : spi + size] for spi in range(spis_at, end, size)])
        return cls(doi, protocol, spis, 0, reserved)

    def body(self) -> bytes:
        size = len(self.spis[0]) if self.spis else self.empty_spi_size
        if any(len(spi) != size for spi in self.spis):
            raise ValueError("the SPIs of one delete have one size")
        return _DELETE.pack(self.doi, self.protocol, size, len(self.spis)) + b"".join(self.spis)
