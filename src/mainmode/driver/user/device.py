"""The TUN device through which the host's packets come to us and go back.

Source: Linux Documentation/networking/tuntap.rst.
Does not: know routes; `routing` leads packets into the device.
"""

import errno
import fcntl
import os
import struct

from mainmode import limits
from mainmode.errors import DriverError

_TUNSETIFF = 0x400454CA
_IFF_TUN = 0x0001
_IFF_NO_PI = 0x1000
_IFF_TUN_EXCL = 0x8000
"""Fail if the device exists: two drivers would steal each other's packets."""


class TunDevice:
    """A device of our own, as long as the process lives: bare IP packets, never blocking.

    Raises DriverError when the device exists or may not be made.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        try:
            self._fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise DriverError(f"/dev/net/tun: {error.strerror}") from error
        request = struct.pack("16sH22x", name.encode(), _IFF_TUN | _IFF_NO_PI | _IFF_TUN_EXCL)
        try:
            fcntl.ioctl(self._fd, _TUNSETIFF, request)
        except OSError as error:
            os.close(self._fd)
            if error.errno == errno.EBUSY:
                raise DriverError(f"device {name} exists: does another mainmode run?") from error
            raise DriverError(f"cannot make device {name}: {error.strerror}") from error

    def fileno(self) -> int:
        return self._fd

    def read(self) -> bytes:
        """The next packet that the host sends. Raises BlockingIOError when there is none."""
        return os.read(self._fd, limits.PACKET_MAX_OCTETS)

    def write(self, packet: bytes) -> None:
        """Let the host receive a packet. Raises OSError."""
        os.write(self._fd, packet)

    def close(self) -> None:
        """The device and its routes vanish."""
        os.close(self._fd)
