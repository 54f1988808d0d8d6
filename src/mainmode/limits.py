"""Every bound and default, with its source. `ours` means: no source names a figure, we chose.

Units are last in the names: _s seconds, _octets, _kib kilobytes of 1024 octets.
"""

# --- retransmission -------------------------------------------------------------------------
RETRY_INTERVALS_S = (1.0, 2.0, 4.0, 8.0, 16.0, 16.0)
"""A message goes out at 0, 1, 3, 7, 15 and 31 s and fails at 47 s: five retries
(docs/service.md 15; first two intervals MS-IKEE <16>; doubling and the 16 s cap after its delete
schedule, ours)."""
DELETE_RETRY_INTERVALS_S = (1.0, 2.0, 4.0, 8.0, 16.0, 16.0)
"""MS-IKEE <24>: a delete toward Microsoft's peers, until it is acknowledged."""
DUPLICATE_REPLIES_MAX = 5
"""How often one stored reply answers an identical datagram (racoon: 5, libreswan: 2)."""
FINISHED_EXCHANGE_S = 60.0
"""How long a finished exchange keeps its last reply: longer than a peer's retry cycle (ours)."""

# --- NAT traversal --------------------------------------------------------------------------
IKE_PORT = 500
NAT_PORT = 4500
NAT_BELIEVED_S = 60.0
"""So long a main mode SA counts for what it says of a NAT that AH cannot pass (ours)."""
KEEPALIVE_S = 20.0
"""A NAT forgets a UDP mapping after a while (MS-IKEE 3.2.2, RFC 3948 4)."""

# --- half-open main modes -------------------------------------------------------------------
HALF_OPEN_S = 60.0
HALF_OPEN_PER_ADDRESS_MAX = 35
"""MS-IKEE <29>."""
HALF_OPEN_MAX = 10_000
"""About 11 MB at 1,100 octets a record, an offer of one transform included (ours, measured)."""
MESSAGE_1_OCTETS_MAX = 16_384
"""Every half-open main mode keeps its offer; 255 transforms take 10,000 octets (ours)."""
REFUSALS_REMEMBERED_MAX = 1_000
"""Refused offers whose repetition is answered but not reported again (ours)."""
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
PRESHARED_KEY_MAX_OCTETS = 4_096
"""A secret file beyond this is the wrong file (ours)."""
RENEWAL_S = 60.0
RENEWAL_SHARE = 0.1
"""How long before its end a main mode SA is renewed, where it must be: so long, but not more than
this share of its lifetime (ours)."""
RENEWAL_WAIT_S = 5.0
"""How long its end waits at a time for a renewal that is under way (ours)."""
QUICK_MODES_AT_ONCE = 3
"""strongSwan keeps the state of three; more only toward peers known to take them."""
NEGOTIATIONS_WAITING_MAX = 1_000
"""Quick modes that may wait for their turn off one main mode (ours)."""
USED_MESSAGE_IDS_MAX = 100_000
"""After that many exchanges a main mode SA is renegotiated: IDs must stay unique (ours)."""

# --- soft SAs -------------------------------------------------------------------------------
FALLBACK_S = 3.0
"""KB 914842: the brief interval without an answer."""
SOFT_SA_LASTS_S = 10
SOFT_SA_RENEWAL_S = 3.0
"""How long the packet filter keeps a soft SA, and how often the driver renews all of them: so long
clear traffic goes on at most when the process has been killed (ours)."""
SOFT_SAS_WATCHED_MAX = 65_535
"""How many host pairs the packet filter watches for idleness, for each kind of traffic (ours)."""
DOUBT_INTERVAL_S = 10.0
"""How often one peer may make us doubt an SA by what anybody can forge (ours)."""
DOUBTS_REMEMBERED_MAX = 1_000

# --- quick mode -----------------------------------------------------------------------------
QUICK_MODE_LIFETIME_S = 3_600
QUICK_MODE_LIFETIME_KIB = 100_000
"""KB 2790970: an hour or 100 MB, whichever comes first."""
QUICK_MODES_MANY = 100
"""More lifetimes of a quick mode SA in one of its main mode SA get a warning; Windows' own policies
reach 96 (ours)."""
SMALL_BLOCK_LIFETIME_KIB = 1_048_576
"""A 64-bit block cipher's pair ends at 1 GiB whatever policy says (birthday bound, ours)."""
SPI_MIN = 0x100
"""0 is no SPI, 1..255 are reserved (RFC 2406 2.1)."""
WEAK_KEY_RETRIES_MAX = 3
REFUSAL_PAUSE_S = 10.0
"""How long packets that still wait do not begin a refused quick mode anew (ours)."""
REKEY_PATIENCE_S = 5.0
"""How long the side that did not make a pair waits for its renewal before it begins, at most; and
not more than half of what is left to the pair at its pace so far (ours)."""
STRAGGLERS_S = 2.0
"""How long an old pair still receives when the peer uses the new one: packets overtake (ours)."""
SWITCH_S = 5.0
"""How long the initiator of a renewal goes on sending through the old pair when nothing comes
through the new one: a lost message 3 has been sent again by then (ours)."""
RETIREMENT_S = 30.0
"""How long it receives when nothing comes through the new one (ours)."""

# --- policy ---------------------------------------------------------------------------------
POLLING_INTERVAL_S = 10_800
"""MS-GPIPSEC 2.2.1.1.1: three hours, where a policy says 0."""
EXEMPT_LEVEL = 3
EXEMPT_LEVEL_MAX = 3
"""Server 2003's default: IKE alone is exempt (and multicast and broadcast that come in)."""
STRONG_CRL_CHECK = 1
STRONG_CRL_CHECK_MAX = 2
DIAGNOSTICS_MAX = 7
LOG_INTERVAL_S = 3_600
LOG_INTERVAL_MIN_S = 60
LOG_INTERVAL_MAX_S = 86_400
"""Windows' values of `netsh ipsec dynamic set config`."""

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
"""How many packets one wake-up handles before the loop breathes (ours, measured)."""
PACKET_MAX_OCTETS = 65_535
HELD_PACKET_S = 30.0
"""How long a packet waits for its SA; Linux gives up an unanswered acquire after as long."""
ACQUIRE_INTERVAL_S = 1.0
"""How often the driver asks for the same flow while packets of it wait (ours)."""
FLOWS_KEPT_MAX = 4_096
"""Flows whose pair is remembered; then the memory starts anew (ours)."""
SOFT_EXPIRY = 0.9
"""The share of a lifetime after which a pair should be replaced (ours)."""
IDLE_S = 300.0
FAST_IDLE_S = 60.0
"""A pair that carried nothing for five minutes is idle; one with a member of a cluster that has
said so, after one (MS-IKEE 3.5.2, <21>)."""
BAD_SPI_INTERVAL_S = 1.0
BAD_SPI_PEERS_MAX = 64
"""How often IKE hears that a peer uses an SPI that names no pair, and of how many peers in that
time: anybody can send such packets (ours)."""
PACKET_BUFFER_OCTETS = 8 << 20
"""Asked of the kernel for each raw socket, and for the port where ESP in UDP arrives: a window of
TCP that comes at once (measured)."""
DEVICE_MTU_OCTETS = 65_400
"""Of the driver's device: with 135 octets more, tunnel mode and the longest ICV still fit into one
IP packet. The kernel must not fragment before transport mode (RFC 2406 3.3.5)."""
TCP_SEGMENT_OCTETS = 1_360
"""Largest segment of protected TCP: in tunnel mode with AES, SHA2-512 and UDP encapsulation it
still fits a network packet of 1,500 octets (1500 - 20 - 8 - 8 - 16 - 32 - 2 - 8 - 40, ours)."""

# --- service --------------------------------------------------------------------------------
EVENTS_KEPT = 10_000
"""Events the service remembers for `show events` (ours)."""
EVENTS_PER_ANSWER = 1_000
"""How many of them one request gets, so that no request holds the loop for long (ours)."""
DATAGRAMS_PER_WAKE = 64
"""Datagrams taken from one socket before the loop turns to its other work (ours, measured)."""
RECEIVE_BUFFER_OCTETS = 1 << 20
"""Asked of the kernel for each IKE socket: a burst of thousands of messages (ours)."""
ROUTES_KEPT_S = 10.0
ROUTES_KEPT_MAX = 1_024
"""How long, and for how many peers, the local address toward a peer is remembered (ours)."""
EVENTS_WAIT_MAX_S = 60.0
"""The longest a request for events may wait for the next one (ours)."""
FAILED_WAKE_S = 1.0
"""Pause before the timers run again after a programming error in one of them (ours)."""
NAME_INTERVAL_S = 60.0
"""Between two questions for a DNS name; its time to live is not told (ours)."""
NAME_RETRY_S = 10.0
"""... and when there was no answer (ours)."""
NAMES_ASKED_AT_ONCE = 8
"""Threads that ask (ours)."""
NAME_ADDRESSES_MAX = 64
"""The addresses that count of one name, the lowest (ours)."""
NAMES_SETTLE_S = 0.2
"""From a change to the policy that is fitted to it: many names change together (ours)."""
SERVERS_INTERVAL_S = 10.0
"""Between two looks at which servers this computer uses (ours)."""
