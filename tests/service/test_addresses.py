"""This computer's addresses."""

import subprocess
import sys
from ipaddress import ip_address

import pytest

from mainmode import limits
from mainmode.service.addresses import Routes, own_addresses

LOOPBACK = ip_address("127.0.0.1")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_loopback_addresses_are_ours() -> None:
    assert LOOPBACK in own_addresses().local


def test_own_addresses_are_those_that_ip_shows() -> None:
    shown = subprocess.run(["ip", "-o", "address"], check=True, capture_output=True, text=True)
    words = (line.split() for line in shown.stdout.splitlines())
    assert own_addresses().local == {ip_address(line[3].split("/")[0]) for line in words}


def test_the_kernel_chooses_the_address_toward_a_peer() -> None:
    assert Routes((), 500, Clock()).local_toward(ip_address("127.0.0.9")) == LOOPBACK
    assert Routes((), 500, Clock()).local_toward(ip_address("::1")) == ip_address("::1")


def test_where_only_some_addresses_listen_one_of_them_is_used() -> None:
    listening = (ip_address("::1"), ip_address("127.0.0.2"), ip_address("127.0.0.3"))
    routes = Routes(listening, 500, Clock())
    assert routes.local_toward(ip_address("127.0.0.9")) == ip_address("127.0.0.2")
    assert Routes((ip_address("::1"),), 500, Clock()).local_toward(LOOPBACK) is None


def test_no_route_is_no_address() -> None:
    assert Routes((), 500, Clock()).local_toward(ip_address("255.255.255.255")) is None


def test_an_answer_is_remembered_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    asked: list[object] = []
    routes = Routes((), 500, clock)
    monkeypatch.setattr(routes, "_ask", asked.append)
    peer = ip_address("127.0.0.9")
    for clock.now in (0.0, limits.ROUTES_KEPT_S - 1, limits.ROUTES_KEPT_S):
        routes.local_toward(peer)
    assert len(asked) == 2
    routes.forget()
    routes.local_toward(peer)
    assert len(asked) == 3


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    routes = Routes((), 500, Clock())
    monkeypatch.setattr(routes, "_ask", lambda peer: LOOPBACK)
    for number in range(3 * limits.ROUTES_KEPT_MAX):
        routes.local_toward(ip_address(number))
    assert len(routes._kept) <= limits.ROUTES_KEPT_MAX


CHANGE = """
import select, subprocess
from mainmode.service.addresses import AddressWatch, own_addresses
watch = AddressWatch()
before = own_addresses().local
assert not select.select([watch], [], [], 0)[0]
subprocess.run("ip address add 192.0.2.7/24 brd + dev lo".split(), check=True)
assert select.select([watch], [], [], 5)[0]
watch.drain()
assert not select.select([watch], [], [], 0)[0]
print(*own_addresses().local - before, *own_addresses().broadcast)
"""


@pytest.mark.network
def test_a_new_address_is_noticed() -> None:
    """In a network namespace of its own."""
    command = ["unshare", "--user", "--map-root-user", "--net", sys.executable, "-c", CHANGE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("192.0.2.7 192.0.2.255\n", "")


DIALUP = """
import subprocess
from mainmode.service.addresses import own_addresses
for words in (
    "tuntap add dev t0 mode tun",
    "address add 192.0.2.8/24 dev t0",
    "link add d0 type veth peer name d1",
    "address add 192.0.2.9/24 dev d0",
):
    subprocess.run(["ip", *words.split()], check=True)
print(*own_addresses().dialup, len(own_addresses().local))
"""


@pytest.mark.network
def test_addresses_on_links_that_are_no_lan() -> None:
    command = ["unshare", "--user", "--map-root-user", "--net", sys.executable, "-c", DIALUP]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("192.0.2.8 2\n", "")
