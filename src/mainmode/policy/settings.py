"""General settings: what holds for the computer, whichever policy is assigned.

They are what Windows keeps in its registry and `netsh ipsec dynamic set config` sets.
"""

from dataclasses import dataclass
from enum import Enum

from mainmode import limits
from mainmode.model import Direction


class BootMode(Enum):
    """What passes from the start of the computer until the service has put a policy in force."""

    PERMIT = "permit"
    """Everything. The default here: Linux has nothing in place before the service."""
    BLOCK = "block"
    """Nothing but DHCP and the boot exemptions."""
    STATEFUL = "stateful"
    """What this computer begins, the answers to it, DHCP and the boot exemptions."""


@dataclass(frozen=True, slots=True)
class BootExemption:
    """Traffic that passes during boot whatever the boot mode; a port of 0 is any."""

    protocol: int
    source_port: int
    destination_port: int
    direction: Direction


@dataclass(frozen=True, slots=True)
class Settings:
    """The general settings."""

    exempt: int = limits.EXEMPT_LEVEL
    """`ipsecexempt`, what no filter applies to. 0: multicast, broadcast, RSVP, Kerberos and IKE;
    1: multicast, broadcast and IKE; 2: RSVP, Kerberos and IKE; 3: IKE alone."""
    strong_crl_check: int = limits.STRONG_CRL_CHECK
    """0: certificate revocation lists are not looked at; 1: a certificate fails when a list names
    it; 2: also when no list can be had."""
    boot_mode: BootMode = BootMode.PERMIT
    boot_exemptions: tuple[BootExemption, ...] = ()
    ike_logging: bool = False
    """Log every step of negotiations."""
    diagnostics: int = 0
    """`ipsecdiagnostics`: how much the driver logs of packets, from 0 (nothing) to 7."""
    log_interval_s: int = limits.LOG_INTERVAL_S
    """`ipsecloginterval`: how often the driver reports what it has counted."""

    @property
    def exempts_groups(self) -> bool:
        """Whether no filter applies to multicast and broadcast."""
        return self.exempt in (0, 1)

    @property
    def exempts_kerberos_and_rsvp(self) -> bool:
        """Whether no filter applies to Kerberos (port 88 on either side) and RSVP."""
        return self.exempt in (0, 2)
