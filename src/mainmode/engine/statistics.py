"""IKE statistics, under the names that IP Security Monitor documents.

Source: windows service documentation of the main mode counters (WMI class MSiSCSI_MMIPSECStats).
"""

from dataclasses import dataclass, field, fields


def _counter(name: str) -> int:
    """A counter field with its documented name."""
    value: int = field(default=0, metadata={"name": name})
    return value


@dataclass(slots=True)
class IkeStatistics:
    """All since the engine was made, but for the gauges the engine fills in when asked."""

    active_acquire: int = _counter("Active Acquire")
    active_receive: int = _counter("Active Receive")
    acquire_failures: int = _counter("Acquire Failures")
    receive_failures: int = _counter("Receive Failures")
    send_failures: int = _counter("Send Failures")
    acquire_heap_size: int = _counter("Acquire Heap Size")
    receive_heap_size: int = _counter("Receive Heap Size")
    negotiation_failures: int = _counter("Negotiation Failures")
    authentication_failures: int = _counter("Authentication Failures")
    invalid_cookies_received: int = _counter("Invalid Cookies Received")
    total_acquire: int = _counter("Total Acquire")
    total_get_spi: int = _counter("Total Get SPI")
    key_additions: int = _counter("Key Additions")
    """Outbound SAs given to the driver."""
    key_updates: int = _counter("Key Updates")
    """Inbound SAs given to the driver."""
    get_spi_failures: int = _counter("Get SPI Failures")
    key_addition_failures: int = _counter("Key Addition Failures")
    key_update_failures: int = _counter("Key Update Failures")
    isadb_list_size: int = _counter("ISADB List Size")
    connection_list_size: int = _counter("Connection List Size")
    main_modes: int = _counter("IKE Main Mode")
    quick_modes: int = _counter("IKE Quick Mode")
    soft_associations: int = _counter("Soft Associations")
    invalid_packets_received: int = _counter("Invalid Packets Received")

    def named(self) -> dict[str, int]:
        """The counters under the documented names, in the documented order."""
        return {str(each.metadata["name"]): getattr(self, each.name) for each in fields(self)}
