"""Why a packet goes no further: one typed reason each, counted by the driver.

Does not: concern negotiations; why those fail is `failures`.
"""

from enum import Enum

from mainmode.errors import MainmodeError


class Refusal(Enum):
    """The value is the sentence for a person."""

    MALFORMED = "the octets are no IP packet, or no ESP or AH packet"
    BAD_SPI = "no security association here has this SPI, protocol and address"
    WRONG_PATH = "its address, port or lack of UDP is not that of its security association"
    REPLAYED = "the sequence number was seen before or lies behind the replay window"
    NOT_AUTHENTICATED = "the integrity check value is wrong"
    NOT_DECRYPTED = "the decrypted padding or next header is wrong"
    WRONG_TRAFFIC = "the opened packet is not traffic of its security association"
    EXPIRED = "the security association has reached its lifetime"
    FRAGMENT = "transport mode protects whole datagrams only (RFC 2406 3.3)"
    OPTIONS = "IP options cannot be carried in transport mode here, nor in fragments"
    TOO_BIG = "the protected packet would exceed 65,535 octets"
    NOT_NEGOTIATED = "policy asks for no negotiation for this packet"
    HELD_TOO_LONG = "no security association came up while the packet waited"
    HELD_TOO_MANY = "too many packets wait for a security association"
    NOT_SENT = "the network refused the protected packet"
    NOT_DELIVERED = "the host refused the opened packet"


class PacketRefused(MainmodeError):
    """This packet is dropped; nothing but a counter changes."""

    def __init__(self, reason: Refusal) -> None:
        super().__init__(reason.value)
        self.reason = reason
