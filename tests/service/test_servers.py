"""Which servers this computer uses, from files as its programs write them."""

import subprocess
from ipaddress import ip_address
from pathlib import Path

from mainmode.policy.model import PlaceKind
from mainmode.service.servers import servers_now


def found(kind: PlaceKind, root: Path) -> list[str]:
    return [str(each) for each in servers_now([kind], root).get(kind, ())]


def write(root: Path, name: str, text: str) -> None:
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_nothing_is_known_where_there_is_nothing(tmp_path: Path) -> None:
    kinds = (
        PlaceKind.DNS_SERVERS,
        PlaceKind.WINS_SERVERS,
        PlaceKind.DHCP_SERVERS,
        PlaceKind.GATEWAY,
    )
    assert servers_now(kinds, tmp_path) == {}


def test_name_servers(tmp_path: Path) -> None:
    write(
        tmp_path,
        "etc/resolv.conf",
        "# nameserver 192.0.2.9\nsearch example\nnameserver 192.0.2.53\n"
        "nameserver fe80::1%eth0\nnameserver\nnameserver nonsense\n",
    )
    assert found(PlaceKind.DNS_SERVERS, tmp_path) == ["192.0.2.53", "fe80::1"]


def test_a_stub_on_this_computer_stands_for_its_servers(tmp_path: Path) -> None:
    write(tmp_path, "etc/resolv.conf", "nameserver 127.0.0.53\noptions edns0\n")
    assert found(PlaceKind.DNS_SERVERS, tmp_path) == ["127.0.0.53"]
    write(tmp_path, "run/systemd/resolve/resolv.conf", "nameserver 192.0.2.53\n")
    assert found(PlaceKind.DNS_SERVERS, tmp_path) == ["192.0.2.53"]


def test_gateways_are_those_of_default_routes(tmp_path: Path) -> None:
    gateway = int.from_bytes(bytes((192, 0, 2, 254)), "little")
    write(
        tmp_path,
        "proc/net/route",
        "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
        f"eth0\t00000000\t{gateway:08X}\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
        f"eth0\t0000000A\t{gateway + 1:08X}\t0003\t0\t0\t0\t000000FF\t0\t0\t0\n"
        "ppp0\t00000000\t00000000\t0001\t0\t0\t9\t00000000\t0\t0\t0\n",
    )
    write(
        tmp_path,
        "proc/net/ipv6_route",
        f"{0:032x} 00 {0:032x} 00 20010db8{1:024x} 00000400 00000002 00000000 00000003 eth0\n"
        f"{0:032x} 00 {0:032x} 00 {0:032x} ffffffff 00000001 00000000 00200200 lo\n"
        f"20010db8{0:024x} 40 {0:032x} 00 20010db8{2:024x} 00000400 00000002 0 00000003 eth0\n",
    )
    assert found(PlaceKind.GATEWAY, tmp_path) == ["192.0.2.254", "2001:db8::1"]


def test_dhcp_servers(tmp_path: Path) -> None:
    write(tmp_path, "run/systemd/netif/leases/2", "ADDRESS=192.0.2.5\nSERVER_ADDRESS=192.0.2.67\n")
    write(
        tmp_path,
        "var/lib/dhcp/dhclient.eth1.leases",
        "lease {\n  option dhcp-server-identifier 192.0.2.1;\n}\n"
        "lease {\n  option dhcp-server-identifier 192.0.2.68;\n}\n",
    )
    assert found(PlaceKind.DHCP_SERVERS, tmp_path) == ["192.0.2.67", "192.0.2.68"]


def test_wins_servers(tmp_path: Path) -> None:
    write(
        tmp_path,
        "etc/samba/smb.conf",
        "[global]\n  ; wins server = 192.0.2.9\n  WINS  Server = home:192.0.2.42, 192.0.2.43\n",
    )
    write(
        tmp_path,
        "var/lib/dhcp/dhclient.leases",
        "lease {\n  option netbios-name-servers 192.0.2.44,192.0.2.43;\n}\n",
    )
    expected = [str(ip_address(f"192.0.2.{last}")) for last in (42, 43, 44)]
    assert found(PlaceKind.WINS_SERVERS, tmp_path) == expected


def test_gateways_are_those_that_ip_shows() -> None:
    command = ["ip", "-4", "route", "show", "default"]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    expected = sorted(
        {line.split("via ")[1].split()[0] for line in shown.splitlines() if "via " in line}
    )
    assert [each for each in found(PlaceKind.GATEWAY, Path("/")) if ":" not in each] == expected
