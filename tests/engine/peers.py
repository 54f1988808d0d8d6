"""Puppets with a main mode SA, and what they say under it."""

from mainmode.numbers import Doi, IdType, NotifyType, ProtocolId
from mainmode.testing.network import Host, Network
from mainmode.testing.puppet import Puppet
from mainmode.testing.samples import CREDENTIALS, policy
from mainmode.wire.payloads import (
    Delete,
    Identification,
    Notification,
    Payload,
)

BOB = Identification.of_name(IdType.FQDN, "bob.example")
MALLORY = Identification.of_name(IdType.FQDN, "mallory.example")


def host_and_network() -> tuple[Host, Network]:
    host = Host("192.0.2.1", policy(), CREDENTIALS)
    return host, Network(host)


def identified(
    network: Network,
    host: Host,
    who: Identification,
    *,
    address: str = "192.0.2.66",
    port: int = 500,
    seed: int = 0,
) -> Puppet:
    """A puppet with a main mode SA under this identity."""
    puppet = Puppet(network, host, address=address, port=port, seed=seed)
    puppet.offers()
    puppet.exchanges_keys()
    puppet.proves(*puppet.proof(who))
    return puppet


def spi_of(host: Host) -> bytes:
    """The outbound SPI of a host's only pair: what its peer deletes."""
    [pair] = host.inbound.values()
    return pair.outbound.spi.to_bytes(4)


def delete(*spis: bytes, protocol: int = ProtocolId.ESP) -> Delete:
    return Delete(Doi.IPSEC, protocol, spis)


def main_mode_delete(puppet: Puppet) -> Delete:
    return delete(puppet.cky_i + puppet.cky_r, protocol=ProtocolId.ISAKMP)


def initial_contact(puppet: Puppet) -> Notification:
    """The puppet remembers no other SA with the host."""
    spi = puppet.cky_i + puppet.cky_r
    return Notification(Doi.IPSEC, ProtocolId.ISAKMP, NotifyType.INITIAL_CONTACT, spi, b"")


def ending(what: str, host: Host, puppet: Puppet) -> Payload:
    """Something that counts only under protection."""
    if what == "pair":
        return delete(spi_of(host))
    if what == "main mode":
        return main_mode_delete(puppet)
    if what == "initial contact":
        return initial_contact(puppet)
    spi = puppet.cky_i + puppet.cky_r
    return Notification(Doi.IPSEC, ProtocolId.ISAKMP, NotifyType.R_U_THERE, spi, bytes(4))


def standing() -> tuple[Host, Puppet]:
    """A host and a puppet with a main mode SA."""
    host = Host("192.0.2.1", policy(), CREDENTIALS)
    return host, Puppet(Network(host), host).establish()
