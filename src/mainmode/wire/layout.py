"""The one check that every structured body begins with."""

from mainmode.errors import Malformed


def require_octets(payload: str, octets: int, at: int, end: int) -> None:
    """The fixed fields of `payload` fit into its body, `at` to `end`. Raises: Malformed."""
    if end - at < octets:
        raise Malformed(payload, at, f"the fixed fields have {octets} octets, here are {end - at}")
