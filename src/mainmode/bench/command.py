"""`mainmode bench`: how fast it is, measured here and now."""

import json

import click

from mainmode.bench.terms import CROWD_MAX, NEGOTIATIONS, NEGOTIATIONS_MAX, quick_mode_offer
from mainmode.errors import PersonError
from mainmode.model import Mode
from mainmode.policy.words import parse_main_mode_offer, parse_quick_mode_offer


@click.group()
def bench() -> None:
    """Measure how fast this computer negotiates, looks filters up, and protects traffic."""


def _offer(ctx: click.Context, option: click.Parameter, given: str) -> str:
    try:
        return parse_main_mode_offer(given).name
    except ValueError as error:
        raise PersonError(str(error), fix="--offer takes words like 3des-sha1-group2") from None


@bench.command()
@click.option(
    "--count",
    type=click.IntRange(1, NEGOTIATIONS_MAX),
    default=NEGOTIATIONS,
    show_default=True,
    help="How many negotiations.",
)
@click.option(
    "--offer",
    default="3des-sha1-group2",
    show_default=True,
    callback=_offer,
    help="What main mode uses: cipher, hash and group, as in policy files.",
)
@click.option("--engine", is_flag=True, help="Two engines in one process, without sockets.")
@click.option(
    "--against",
    type=click.Choice(["strongswan"]),
    help="Another responder, measured beside ours in the same run.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def handshake(count: int, offer: str, engine: bool, against: str | None, as_json: bool) -> None:
    """Let two services negotiate, each time anew: main mode and one quick mode.

    Both run on this computer, as processes of their own that talk over UDP on the loopback
    interface. Needs no rights. Where root or user namespaces allow it, two hosts are built as
    well, to see how soon a first packet is on the wire.

    With --against the same initiator negotiates with our responder and with another one, between
    hosts, and the ratios of both are shown. Needs root or user namespaces, and the other one.
    """
    if against:
        if engine:
            raise PersonError("--engine and --against exclude each other", fix="leave one out")
        _against_strongswan(count, offer, as_json)
        return
    from mainmode.bench.engines import between_engines
    from mainmode.bench.first_packet import with_first_packet
    from mainmode.bench.handshake import over_udp
    from mainmode.demo.signals import end_on_signals

    end_on_signals()
    if engine:
        figures = between_engines(count, offer)
    else:
        figures = with_first_packet(over_udp(count, offer), offer)
    click.echo(json.dumps(figures.as_json()) if as_json else figures.text)
    if as_json and figures.why_no_first_packet:
        click.echo(f"first_packet_ms: {figures.why_no_first_packet}", err=True)


def _against_strongswan(count: int, offer: str, as_json: bool) -> None:
    from mainmode.bench import strongswan
    from mainmode.bench.against import against_strongswan
    from mainmode.demo.requirements import require_hosts
    from mainmode.demo.signals import end_on_signals

    strongswan.require()
    require_hosts("the benchmark")
    end_on_signals()
    comparison = against_strongswan(count, offer)
    click.echo(json.dumps(comparison.as_json()) if as_json else comparison.text)


@bench.command()
@click.option("--few", type=click.IntRange(1, CROWD_MAX), default=1_000, show_default=True)
@click.option("--many", type=click.IntRange(1, CROWD_MAX), default=50_000, show_default=True)
@click.option(
    "--rounds",
    type=click.IntRange(1, CROWD_MAX),
    default=300,
    show_default=True,
    help="How many peers come to either engine.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def crowd(few: int, many: int, rounds: int, as_json: bool) -> None:
    """Compare what events cost an engine among few SAs and among many.

    The tables of two engines are filled, then peers come to both by turns. Needs no rights.
    """
    from mainmode.bench.crowd import costs_among

    costs = costs_among(few, many, rounds)
    click.echo(json.dumps(costs.as_json()) if as_json else costs.text)


def _suites(ctx: click.Context, option: click.Parameter, given: tuple[str, ...]) -> list[str]:
    for suite in given:
        try:
            parse_quick_mode_offer(quick_mode_offer(suite))
        except ValueError as error:
            raise PersonError(str(error), fix="--suite takes words like 3des-sha1") from None
    return list(given)


@bench.command()
@click.option(
    "--suite",
    "suites",
    multiple=True,
    default=("3des-sha1", "aes128-sha1"),
    show_default=True,
    callback=_suites,
    help="Cipher and integrity, as in policy files (ah:sha1 for AH); may be given several times.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(0.2, 30),
    default=5,
    show_default=True,
    help="How long each flow is measured.",
)
@click.option(
    "--mode",
    type=click.Choice([each.value for each in Mode]),
    default=Mode.TRANSPORT.value,
    show_default=True,
)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def traffic(suites: list[str], seconds: float, mode: str, as_json: bool) -> None:
    """Send traffic through two services: one TCP stream, then small UDP packets.

    Builds two hosts on this computer (network namespaces) and runs `mainmode run` in each. Needs
    root or user namespaces.
    """
    from mainmode.bench.figures import machine
    from mainmode.bench.traffic import measure
    from mainmode.demo.requirements import require_hosts
    from mainmode.demo.signals import end_on_signals

    require_hosts("the benchmark")
    end_on_signals()
    measured = []
    for suite in suites:
        figures = measure(suite, Mode(mode), seconds)
        measured.append(figures)
        if not as_json:
            click.echo(figures.text)
    click.echo(json.dumps([each.as_json() for each in measured]) if as_json else machine())


@bench.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def filters(as_json: bool) -> None:
    """Look packets up among 10 filters and among 10,000: flows that are new, and known ones.

    In one process, without sealing anything. Needs no rights.
    """
    from mainmode.bench import filters as bench_filters

    few, many = bench_filters.compared()
    if as_json:
        click.echo(json.dumps(bench_filters.as_json(few, many)))
    else:
        click.echo(bench_filters.text(few, many))
