"""UDP in and out on the loopback interface."""

import select
import socket
from collections.abc import Iterator
from ipaddress import ip_address

import pytest

from mainmode.errors import PersonError
from mainmode.model import Endpoint, Path
from mainmode.service.sockets import NON_ESP_MARKER, Sockets
from tests.service.ports import two_free_ports


@pytest.fixture
def ports() -> tuple[int, int]:
    return two_free_ports()


@pytest.fixture
def everywhere(ports: tuple[int, int]) -> Iterator[Sockets]:
    """Sockets on every address of this computer."""
    sockets = Sockets((), *ports)
    yield sockets
    sockets.close()


@pytest.fixture
def peer() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind(("127.0.0.9", 0))
        made.settimeout(5)
        yield made


def received(
    sockets: Sockets, esp: list[tuple[bytes, Path]] | None = None
) -> list[tuple[bytes, Path]]:
    """Every message that has arrived on any socket. ESP goes into `esp`; without it there must
    be none."""

    def take(packet: bytes, path: Path) -> None:
        assert esp is not None, packet
        esp.append((packet, path))

    ready, _, _ = select.select(list(sockets), [], [], 5)
    return [each for one in ready for each in one.drain(take)]


def place(sock: socket.socket) -> Endpoint:
    host, port = sock.getsockname()[:2]
    return Endpoint(ip_address(host), port)


def test_a_datagram_knows_the_local_address_it_came_to(
    everywhere: Sockets, ports: tuple[int, int], peer: socket.socket
) -> None:
    for local in ("127.0.0.1", "127.0.0.5"):
        peer.sendto(b"hello", (local, ports[0]))
        path = Path(Endpoint(ip_address(local), ports[0]), place(peer))
        assert received(everywhere) == [(b"hello", path)]


def test_an_answer_leaves_from_the_address_that_was_asked(
    everywhere: Sockets, ports: tuple[int, int], peer: socket.socket
) -> None:
    asked = Endpoint(ip_address("127.0.0.5"), ports[0])
    everywhere.send(Path(asked, place(peer)), b"answer")
    assert peer.recvfrom(100) == (b"answer", ("127.0.0.5", ports[0]))
    assert everywhere.counters.datagrams_sent == 1


def test_ipv6(everywhere: Sockets, ports: tuple[int, int]) -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as peer:
        peer.bind(("::1", 0))
        peer.settimeout(5)
        peer.sendto(b"hello", ("::1", ports[0]))
        ((datagram, path),) = received(everywhere)
        assert (datagram, path.local) == (b"hello", Endpoint(ip_address("::1"), ports[0]))
        everywhere.send(path, b"answer")
        assert peer.recvfrom(100)[:1] == (b"answer",)


def test_nat_port_ike_follows_four_zero_octets(
    everywhere: Sockets, ports: tuple[int, int], peer: socket.socket
) -> None:
    """RFC 3948 2.2; the marker is put in front on the way out."""
    peer.sendto(NON_ESP_MARKER + b"ike", ("127.0.0.1", ports[1]))
    ((datagram, path),) = received(everywhere)
    assert datagram == b"ike"
    assert path.local.port == ports[1]
    everywhere.send(path, b"answer")
    assert peer.recv(100) == NON_ESP_MARKER + b"answer"


@pytest.mark.parametrize(
    "packet", [bytes.fromhex("12345678 00000001"), b"\xff" * 8, b"\0\0\0\1" + bytes(65_000)]
)
def test_nat_port_esp_goes_to_the_driver_with_its_path(
    everywhere: Sockets, ports: tuple[int, int], peer: socket.socket, packet: bytes
) -> None:
    esp: list[tuple[bytes, Path]] = []
    peer.sendto(packet, ("127.0.0.5", ports[1]))
    assert received(everywhere, esp) == []
    assert esp == [(packet, Path(Endpoint(ip_address("127.0.0.5"), ports[1]), place(peer)))]
    assert everywhere.counters.esp_received == 1


def test_nat_port_messages_and_esp_side_by_side(
    everywhere: Sockets, ports: tuple[int, int], peer: socket.socket
) -> None:
    for number in range(4):
        for kind in (NON_ESP_MARKER, b"\x12\x34\x56\x78"):
            peer.sendto(kind + b"octets" + bytes([number]), ("127.0.0.1", ports[1]))
    esp: list[tuple[bytes, Path]] = []
    messages = received(everywhere, esp)
    assert [each[-1] for each, _ in messages] == [each[-1] for each, _ in esp] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("datagram", "counter"),
    [
        (b"\xff", "keepalives_dropped"),
        (b"\x12\x34\x56\x78esp", "esp_too_short"),
        (b"\xff\xff", "esp_too_short"),
        (b"\0\0\0", "esp_too_short"),
        (b"", "esp_too_short"),
    ],
)
def test_nat_port_what_is_no_packet_is_dropped_and_counted(
    everywhere: Sockets,
    ports: tuple[int, int],
    peer: socket.socket,
    datagram: bytes,
    counter: str,
) -> None:
    peer.sendto(datagram, ("127.0.0.1", ports[1]))
    assert received(everywhere) == []
    assert getattr(everywhere.counters, counter) == 1


def test_ike_port_takes_what_comes_as_it_is(
    everywhere: Sockets, ports: tuple[int, int], peer: socket.socket
) -> None:
    for datagram in (NON_ESP_MARKER + b"x", b"\x12\x34\x56\x78esp", b"\xff\xff", b""):
        peer.sendto(datagram, ("127.0.0.1", ports[0]))
        assert [each for each, _ in received(everywhere)] == [datagram]


def test_ike_port_drops_what_keeps_a_mapping(
    everywhere: Sockets, ports: tuple[int, int], peer: socket.socket
) -> None:
    peer.sendto(b"\xff", ("127.0.0.1", ports[0]))
    assert received(everywhere) == []
    assert everywhere.counters.keepalives_dropped == 1


def test_one_wake_up_takes_64_datagrams_at_most(
    everywhere: Sockets, ports: tuple[int, int], peer: socket.socket
) -> None:
    for _ in range(70):
        peer.sendto(b"x", ("127.0.0.1", ports[0]))
    assert len(received(everywhere)) == 64
    assert len(received(everywhere)) == 6


def test_listening_on_named_addresses_only(ports: tuple[int, int], peer: socket.socket) -> None:
    sockets = Sockets([ip_address("127.0.0.2")], *ports)
    try:
        assert sockets.places == [f"127.0.0.2:{port}" for port in ports]
        peer.sendto(b"to us", ("127.0.0.2", ports[0]))
        peer.sendto(b"not to us", ("127.0.0.3", ports[0]))
        assert [each for each, _ in received(sockets)] == [b"to us"]
        elsewhere = Endpoint(ip_address("127.0.0.3"), ports[0])
        sockets.send(Path(elsewhere, place(peer)), b"nothing listens there")
        assert sockets.counters.send_failures == 1
    finally:
        sockets.close()


def test_what_cannot_be_sent_is_counted(everywhere: Sockets, ports: tuple[int, int]) -> None:
    not_ours = Endpoint(ip_address("192.0.2.99"), ports[0])
    everywhere.send(Path(not_ours, Endpoint(ip_address("127.0.0.1"), 9)), b"x")
    assert everywhere.counters.send_failures == 1


def test_a_taken_port_is_one_clear_message(everywhere: Sockets, ports: tuple[int, int]) -> None:
    with pytest.raises(PersonError) as caught:
        Sockets((), *ports)
    assert str(caught.value) == (
        f"cannot listen on UDP 0.0.0.0:{ports[0]}: address already in use\n"
        "  fix: stop the other IKE service, or choose --listen, --port and --nat-port"
    )


def test_an_address_that_is_not_ours_is_one_clear_message(ports: tuple[int, int]) -> None:
    with pytest.raises(PersonError, match=r"192\.0\.2\.99.*\n  fix: --listen takes addresses"):
        Sockets([ip_address("192.0.2.99")], *ports)
