"""mainmode and strongSwan, with a tunnel between the addresses behind them to agree on.

strongSwan's user-space IPsec does tunnels in UDP only, so it pretends that a NAT stands between
the two (a NAT-D payload that fits nothing) to whoever knows NAT traversal.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from mainmode.testing.charon import proposal
from tests.peers.network import BEHIND, FIRST, SECOND, Host, two_gateways
from tests.peers.service import Service, Terms
from tests.peers.strongswan import (
    RETRANSMIT_S,
    PeerFailed,
    Section,
    StrongSwan,
    main_mode,
)

KEY = b"correct horse battery staple"
NAME = "tunnel"
SUITE = ("3des", "sha1", "group2")
QUICK_MODE = ("3des", "sha1")
SHORT_RETRIES = ("0.5s", "1s")
UNANSWERED_S = 3.0

Words = tuple[str, ...]
"""A suite: cipher, hash and perhaps a group, under mainmode's names."""


@dataclass(frozen=True, slots=True)
class Tunnel:
    """mainmode on 192.0.2.1, strongSwan on 192.0.2.2."""

    service: Service
    peer: StrongSwan
    hosts: tuple[Host, Host]

    def peer_has(
        self,
        child: Section | None = None,
        connection: Section | None = None,
        *,
        ike: Words = SUITE,
        esp: Words = QUICK_MODE,
    ) -> None:
        """What strongSwan agrees to from now on; the sections change its quick or main mode."""
        ends: Section = {"local_ts": [BEHIND[1]], "remote_ts": [BEHIND[0]]}
        algorithms: Section = {"esp_proposals": [proposal(*esp)]}
        children: Section = {NAME: {"mode": "tunnel", **ends, **algorithms, **(child or {})}}
        parts = main_mode(SECOND, FIRST, [proposal(*ike)])
        self.peer.share_key(KEY, FIRST, SECOND)
        self.peer.load(NAME, {**parts, "children": children, **(connection or {})})

    def peer_initiates(self) -> None:
        """Main mode, where there is none yet, and quick mode. Raises PeerFailed."""
        self.peer.initiate(NAME, NAME)

    def fails(self, role: str) -> dict[str, Any]:
        """mainmode negotiates in this role, in vain; what it says about that."""
        self.service.forget_events()
        if role == "initiator":
            assert not self.service.up()
        else:
            with pytest.raises(PeerFailed):
                self.peer.initiate(NAME, NAME, timeout_s=UNANSWERED_S)
        return self.service.wait_for("NegotiationFailed")

    def require_agreement(self) -> None:
        """Both sides have the same one main mode SA and the same one pair in force, no others."""
        self.service.wait_until_qmsas(1)
        self.peer.wait_until_pairs(1)
        (our_main_mode,), (our_pair,) = self.service.mmsas(), self.service.qmsas()
        (their_main_mode,), (their_pair,) = self.peer.sas(), self.peer.pairs()
        ours = our_main_mode["initiator_cookie"], our_main_mode["responder_cookie"]
        assert ours == (their_main_mode["initiator-spi"], their_main_mode["responder-spi"])
        assert our_pair["inbound_spi"] == their_pair["spi-out"]
        assert our_pair["outbound_spi"] == their_pair["spi-in"]

    def end(self) -> None:
        """Without any SA on either side."""
        self.service.down()
        self.peer.wait_until_sas(0)


@contextmanager
def tunnel(
    *,
    quick_mode: Sequence[Words] = (QUICK_MODE,),
    main_mode: Sequence[Words] = (SUITE,),
    pfs_group: str = "",
    ends: tuple[str, str] | None = BEHIND,
    driver: str = "null",
    main_mode_lifetime: str = "8h",
    pair_lifetime: str = "1h",
    retransmit_s: float = RETRANSMIT_S,
) -> Iterator[Tunnel]:
    """Both run; nothing is agreed yet, and strongSwan agrees to nothing before `peer_has`.

    ends: of the tunnel in mainmode's policy; None: transport mode between the two hosts.
    The lifetimes are mainmode's, retransmit_s is strongSwan's.
    """
    terms = Terms(
        SECOND,
        ["-".join(each) for each in main_mode],
        SHORT_RETRIES,
        ["esp:" + "-".join(each) + " " + pair_lifetime for each in quick_mode],
        pfs_group,
        ends,
        lifetime=main_mode_lifetime,
    )
    with (
        two_gateways() as hosts,
        Service(hosts[0], terms, key=KEY, driver=driver) as service,
        StrongSwan(hosts[1], user_space_ipsec=True, retransmit_s=retransmit_s) as peer,
    ):
        yield Tunnel(service, peer, hosts)
