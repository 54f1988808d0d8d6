"""What befalls hosts: crashes, stops, clocks that jump, new policies, refusals, ways cut."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from mainmode.driver.model import refuses_nothing
from mainmode.testing.simulation.host import Host

if TYPE_CHECKING:
    from mainmode.testing.simulation.run import Simulation

_DOWN_S = (0.0, 40.0)
_JUMP_S = (1.0, 300.0)
_JUMP_BACK_S = (1.0, 60.0)
_REFUSAL_S = (5.0, 40.0)
_CUT_S = (5.0, 70.0)
_POLICY_LAG_S = (0.0, 20.0)
"""How much later the second host learns of a new policy."""


def crash(simulation: "Simulation") -> None:
    host = _someone(simulation)
    host.crash()
    _restart(simulation, host)


def stop(simulation: "Simulation") -> None:
    """The service is stopped in good order and started again."""
    host = _someone(simulation)
    host.stop()
    _restart(simulation, host)


def jump(simulation: "Simulation") -> None:
    chance = simulation.world.chance
    forward = chance.random() < 0.6
    seconds = chance.uniform(*_JUMP_S) if forward else -chance.uniform(*_JUMP_BACK_S)
    _someone(simulation).jump(seconds)


def change_policy(simulation: "Simulation") -> None:
    """Two hosts get new policies toward each other, one of them later."""
    world, plan = simulation.world, simulation.plan
    pair = world.chance.choice(list(plan.treatments))
    plan.redraw(pair)
    simulation.retell(pair)
    early, late = pair if world.chance.random() < 0.5 else reversed(pair)
    simulation.assign(early)
    world.agenda.after(world.chance.uniform(*_POLICY_LAG_S), lambda: simulation.assign(late))


def refuse(simulation: "Simulation") -> None:
    """A host's driver refuses every other demand for a while."""
    world, host = simulation.world, _someone(simulation)
    driver = host.driver

    def refuses(_what: object) -> bool:
        says_no = world.chance.random() < 0.5
        world.tally.faults["driver refusal"] += says_no
        return says_no

    def relent() -> None:
        driver.refuses = refuses_nothing

    world.note(host, "has a driver that refuses")
    driver.refuses = refuses
    world.agenda.after(world.chance.uniform(*_REFUSAL_S), relent)


def cut(simulation: "Simulation") -> None:
    """Two hosts do not reach each other, or one not the other."""
    world = simulation.world
    one, other = world.chance.sample(world.hosts, 2)
    seconds = world.chance.uniform(*_CUT_S)
    world.note(one, f"does not reach {other.name} for {seconds:.1f} s")
    world.ether.interrupt(one, other, seconds)
    if world.chance.random() < 0.6:
        world.ether.interrupt(other, one, seconds)


def administer(simulation: "Simulation") -> None:
    """An administrator connects or disconnects two hosts."""
    world = simulation.world
    host = _someone(simulation)
    peer = world.chance.choice([each for each in world.hosts if each is not host])
    if world.chance.random() < 0.5:
        host.connect(peer)
    else:
        host.disconnect(peer)


TROUBLES: dict[str, Callable[["Simulation"], None]] = {
    "crash": crash,
    "stop and start": stop,
    "clock jump": jump,
    "policy change": change_policy,
    "driver that refuses": refuse,
    "way cut": cut,
    "administrator": administer,
}
"""By name; each comes at least once in a storm."""


def _someone(simulation: "Simulation") -> Host:
    """A host that stands; one is started if there is none."""
    standing = [host for host in simulation.world.hosts if host.is_up]
    if not standing:
        simulation.world.hosts[0].start()
        standing = simulation.world.hosts[:1]
    return simulation.world.chance.choice(standing)


def _restart(simulation: "Simulation", host: Host) -> None:
    life, world = host.life, simulation.world

    def start() -> None:
        if host.life == life and not host.is_up:
            host.start()

    world.agenda.after(world.chance.uniform(*_DOWN_S), start)
