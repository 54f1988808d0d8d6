"""Security associations, statistics and events as the control API shows them.

The columns are those of IP Security Monitor; a pair is one quick mode SA. Fields are picked one
by one, so no key can slip out.
"""

from collections.abc import Mapping
from typing import TypedDict

from mainmode.driver.contract import DriverStatistics, PairCounters
from mainmode.engine.associations import MainModeSa, QuickModeSa
from mainmode.engine.statistics import IkeStatistics
from mainmode.model import IpsecSa, UdpEncapsulation
from mainmode.numbers import IpProtocol, ProtocolId, name_of
from mainmode.service.contract import SoftAssociation
from mainmode.service.sockets import SocketCounters


class TrialView(TypedDict):
    """The policy in force is on trial."""

    former: str
    """What comes back when nobody confirms it."""
    left_s: float


class StatusView(TypedDict):
    """The service in a few words."""

    version: str
    pid: int
    started: str
    uptime_s: float
    policy: str
    policy_file: str
    """Empty where a store is in use; then `store` is its folder."""
    store: str
    trial: TrialView | None
    driver: str
    listening: list[str]
    log_level: str
    mmsas: int
    qmsas: int
    soft: int
    last_event: int


class MainModeView(TypedDict):
    """One main mode SA."""

    local_address: str
    remote_address: str
    local_identity: str
    remote_identity: str
    authentication: str
    encryption: str
    integrity: str
    key_exchange: str
    role: str
    age_s: float
    lifetime_s: int
    quick_modes: int
    initiator_cookie: str
    responder_cookie: str


class UdpView(TypedDict):
    """The ports between which ESP travels in UDP, and the address that the peer calls its own."""

    local_port: int
    peer_port: int
    peer_original: str


class QuickModeView(TypedDict):
    """One quick mode SA: the inbound and the outbound half together."""

    local_address: str
    local_port: int
    remote_address: str
    remote_port: int
    protocol: str
    ah_integrity: str
    esp_integrity: str
    esp_confidentiality: str
    mode: str
    local_endpoint: str
    remote_endpoint: str
    udp: UdpView | None
    inbound_spi: str
    outbound_spi: str
    pfs: str
    role: str
    age_s: float
    lifetime_s: int
    lifetime_kib: int
    octets_sent: int
    octets_received: int
    packets_sent: int
    packets_received: int


class SoftView(TypedDict):
    """One soft SA: traffic that passes in clear."""

    number: int
    local_address: str
    local_port: int
    remote_address: str
    remote_port: int
    protocol: str
    age_s: float


class StatisticsView(TypedDict):
    """Counters since start under their documented names, and those of the service itself."""

    ike: dict[str, int]
    ipsec: dict[str, int]
    dropped: dict[str, int]
    service: dict[str, int]
    events: dict[str, int]


def main_mode_view(sa: MainModeSa, now: float) -> MainModeView:
    cky_i, cky_r = sa.cookies
    return {
        "local_address": str(sa.path.local.address),
        "remote_address": str(sa.path.peer.address),
        "local_identity": str(sa.local_identity),
        "remote_identity": str(sa.peer),
        "authentication": sa.authentication.method.value,
        "encryption": sa.offer.cipher.name,
        "integrity": sa.offer.hash.name,
        "key_exchange": sa.offer.group.name,
        "role": sa.role.value,
        "age_s": round(now - sa.established_at, 3),
        "lifetime_s": sa.lifetime_s,
        "quick_modes": sa.quick_modes,
        "initiator_cookie": cky_i.hex(),
        "responder_cookie": cky_r.hex(),
    }


def quick_mode_view(sa: QuickModeSa, counters: PairCounters | None, now: float) -> QuickModeView:
    """counters: what the driver counted; None when it no longer (or never) had the pair."""
    pair, selector = sa.pair, sa.pair.selector
    carried = counters or PairCounters()
    return {
        "local_address": str(selector.local),
        "local_port": selector.local_port,
        "remote_address": str(selector.remote),
        "remote_port": selector.remote_port,
        "protocol": name_of(IpProtocol, selector.protocol).lower(),
        **_algorithms(pair.inbound),
        "mode": pair.mode.value,
        "local_endpoint": str(pair.local),
        "remote_endpoint": str(pair.peer),
        "udp": _udp_view(pair.udp),
        "inbound_spi": f"{pair.inbound.spi:08x}",
        "outbound_spi": f"{pair.outbound.spi:08x}",
        "pfs": sa.pfs,
        "role": sa.role.value,
        "age_s": round(now - sa.established_at, 3),
        "lifetime_s": pair.lifetime.seconds,
        "lifetime_kib": pair.lifetime.kilobytes,
        "octets_sent": carried.octets_sent,
        "octets_received": carried.octets_received,
        "packets_sent": carried.packets_sent,
        "packets_received": carried.packets_received,
    }


def soft_view(sa: SoftAssociation, now: float) -> SoftView:
    selector = sa.soft.selector
    return {
        "number": sa.soft.number,
        "local_address": str(selector.local),
        "local_port": selector.local_port,
        "remote_address": str(selector.remote),
        "remote_port": selector.remote_port,
        "protocol": name_of(IpProtocol, selector.protocol).lower(),
        "age_s": round(now - sa.since, 3),
    }


def _udp_view(udp: UdpEncapsulation | None) -> UdpView | None:
    if udp is None:
        return None
    return {
        "local_port": udp.local_port,
        "peer_port": udp.peer_port,
        "peer_original": str(udp.peer_original or ""),
    }


class _Algorithms(TypedDict):
    ah_integrity: str
    esp_integrity: str
    esp_confidentiality: str


def _algorithms(half: IpsecSa) -> _Algorithms:
    """The three columns of the monitor; empty where the protocol is not in use."""
    if half.protocol is ProtocolId.AH:
        return {"ah_integrity": half.integrity, "esp_integrity": "", "esp_confidentiality": ""}
    return {
        "ah_integrity": "",
        "esp_integrity": half.integrity,
        "esp_confidentiality": half.cipher,
    }


def statistics_view(
    ike: IkeStatistics,
    ipsec: DriverStatistics,
    dropped: dict[str, int],
    sockets: SocketCounters,
    events: Mapping[str, int],
) -> StatisticsView:
    """The engine counts what it decides; only the sockets know what could not be moved.

    dropped: packets that the driver refused, by reason.
    """
    named = ike.named()
    named["Receive Failures"] += sockets.receive_failures
    named["Send Failures"] += sockets.send_failures
    return {
        "ike": named,
        "ipsec": ipsec.named(),
        "dropped": dropped,
        "service": {
            "Datagrams Received": sockets.datagrams_received,
            "Datagrams Sent": sockets.datagrams_sent,
            "NAT Keepalives Dropped": sockets.keepalives_dropped,
            "ESP In UDP Packets Received": sockets.esp_received,
            "ESP In UDP Packets Too Short": sockets.esp_too_short,
        },
        "events": dict(sorted(events.items())),
    }
