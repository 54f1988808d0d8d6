"""Every bound and default, with its source. `ours` means: no source names a figure, we chose.

Units are last in the names: _s seconds, _octets, _kib kilobytes of 1024 octets.
"""

# --- retransmission -------------------------------------------------------------------------
RETRY_INTERVALS_S = (1.0, 2.0, 4.0, 8.0, 16.0, 16.0)
"""A message goes out at 0, 1, 3, 7, 15 and 31 s and fails at 47 s: five retries (service.md 15;
first two intervals MS-IKEE <16>; doubling and the 16 s cap after its delete schedule, ours)."""
DUPLICATE_REPLIES_MAX = 5
"""How often one stored reply answers an identical datagram (racoon: 5, libreswan: 2)."""
FINISHED_EXCHANGE_S = 60.0
"""How long a finished exchange keeps its last reply: longer than a peer's retry cycle (ours)."""

# --- half-open main modes -------------------------------------------------------------------
HALF_OPEN_S = 60.0
HALF_OPEN_PER_ADDRESS_MAX = 35
"""MS-IKEE <29>."""
HALF_OPEN_MAX = 10_000
"""About 5 MB at 500 octets a record (ours)."""
UNPROTECTED_NOTIFICATIONS_PER_S = 50
"""Answers in clear to strangers, all together (ours)."""

# --- main mode ------------------------------------------------------------------------------
COOKIE_OCTETS = 8
NONCE_OCTETS = 32
NONCE_MIN_OCTETS = 8
NONCE_MAX_OCTETS = 256
MAIN_MODE_LIFETIME_S = 28_800
"""MS-GPIPSEC 2.2.1.2.1: 480 minutes."""
PRESHARED_KEY_SHORT_OCTETS = 20
"""Below this a preshared key gets a warning: main mode with an active attacker allows guessing."""
QUICK_MODES_AT_ONCE = 3
"""strongSwan keeps the state of three; more only toward peers known to take them."""
NEGOTIATIONS_WAITING_MAX = 1_000
"""Quick modes that may wait for their turn off one main mode (ours)."""
USED_MESSAGE_IDS_MAX = 100_000
"""After that many exchanges a main mode SA is renegotiated: IDs must stay unique (ours)."""

# --- quick mode -----------------------------------------------------------------------------
QUICK_MODE_LIFETIME_S = 3_600
QUICK_MODE_LIFETIME_KIB = 100_000
"""KB 2790970: an hour or 100 MB, whichever comes first."""
SMALL_BLOCK_LIFETIME_KIB = 1_048_576
"""A 64-bit block cipher's pair ends at 1 GiB whatever policy says (birthday bound, ours)."""
SPI_MIN = 0x100
"""0 is no SPI, 1..255 are reserved (RFC 2406 2.1)."""
WEAK_KEY_RETRIES_MAX = 3

# --- wire -----------------------------------------------------------------------------------
DATAGRAM_MAX_OCTETS = 65_507
PAYLOADS_MAX = 64
"""In one message; libreswan stops at 30 (ours)."""
PROPOSALS_MAX = 256
TRANSFORMS_MAX = 255
ATTRIBUTES_MAX = 64

# --- driver ---------------------------------------------------------------------------------
HELD_PACKETS_PER_FLOW_MAX = 16
HELD_PACKETS_MAX = 1_024
"""Packets that wait for their SA; the oldest of a flow goes first (ours)."""
REPLAY_WINDOW_PACKETS = 128
DRAIN_PACKETS = 64
DRAIN_PACKETS_3DES = 16
"""How many packets one wake-up handles before the loop breathes (driver.md 4)."""
PACKET_MAX_OCTETS = 65_535

# --- service --------------------------------------------------------------------------------
IKE_PORT = 500
NAT_PORT = 4500
EVENTS_KEPT = 10_000
"""Events the service remembers for `show events` (ours)."""
