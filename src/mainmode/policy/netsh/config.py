"""The general settings as properties of `netsh ipsec dynamic set config`.

Source: Windows' help of `netsh ipsec dynamic set config`.
"""

from collections.abc import Mapping
from typing import Any

from mainmode import limits
from mainmode.policy.netsh import kinds
from mainmode.policy.netsh.kinds import Kind

CONFIG: Mapping[str, tuple[str, Kind[Any]]] = {
    "ipsecdiagnostics": ("diagnostics", kinds.level_kind(limits.DIAGNOSTICS_MAX)),
    "ikelogging": ("ike_logging", kinds.ON_OFF),
    "strongcrlcheck": ("strong_crl_check", kinds.level_kind(limits.STRONG_CRL_CHECK_MAX)),
    "ipsecloginterval": ("log_interval_s", kinds.INTERVAL),
    "ipsecexempt": ("exempt", kinds.level_kind(limits.EXEMPT_LEVEL_MAX)),
    "bootmode": ("boot_mode", kinds.BOOT_MODE),
    "bootexemptions": ("boot_exemptions", kinds.BOOT_EXEMPTIONS),
}
"""Property to the field of `Settings` and what it takes."""
