"""Two hosts with a service each, for what shows only where packets are really protected."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from pyroute2.netlink.exceptions import NetlinkError

from mainmode.cli.outcome import Failed
from mainmode.demo.hosts import two_hosts
from mainmode.demo.outcome import DidNotHappen
from mainmode.demo.ping import Pinger
from mainmode.demo.service import Service
from mainmode.model import Mode
from mainmode.testing.samples import KEY, MAIN_MODE_OFFER, QUICK_MODE_OFFER

_POLICY = """\
[policy]
name = "{host}"

[main_mode]
offers = ["MAIN_MODE"]

[filter_list.peer]
filters = [{{ source = "me", destination = "{address}" }}]

[filter_action.protect]
action = "negotiate"
offers = ["QUICK_MODE 1h 100GB"]

[[rule]]
name = "{peer}"
filter_list = "peer"
filter_action = "protect"
authentication = [{{ method = "preshared_key", secret_file = "psk" }}]
"""
_TUNNEL = 'tunnel_endpoint = "{address}"\n'
PATIENCE_S = 10.0


def policy_of(
    main_mode: str = MAIN_MODE_OFFER,
    quick_mode: str = QUICK_MODE_OFFER,
    mode: Mode = Mode.TRANSPORT,
) -> str:
    """A policy with blanks for `Service`: all traffic of the two under one pair, which lasts."""
    policy = _POLICY.replace("MAIN_MODE", main_mode).replace("QUICK_MODE", quick_mode)
    return policy + _TUNNEL if mode is Mode.TUNNEL else policy


@contextmanager
def two_services(policy: str) -> Iterator[tuple[Service, Service]]:
    """Both are ready and have no SA. The caller has seen to what hosts need.

    Raises Failed, also when the network cannot be laid.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="mainmode-bench-")))
        try:
            here, there = stack.enter_context(two_hosts())
        except (OSError, NetlinkError) as error:
            raise Failed(f"two hosts could not be joined: {error}") from None
        services = (
            Service(here, there, folder / here.name, policy),
            Service(there, here, folder / there.name, policy),
        )
        for service in services:
            service.set_key(KEY.decode())
            stack.callback(service.end)
            service.start()
        try:
            for service in services:
                service.wait_until_ready()
        except DidNotHappen as why:
            raise Failed(f"{why}\n{service.log_tail()}") from None
        yield services


def require_reply(pinger: Pinger, service: Service) -> None:
    """The answer to the last ping comes, protected as policy demands. Raises Failed."""
    if pinger.reply(PATIENCE_S) is None:
        raise Failed(
            f"no answer to a ping in {PATIENCE_S:g} s; the service says:\n{service.log_tail()}"
        )
