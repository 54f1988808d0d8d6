"""Traffic: who talks to whom, now and then, with silences."""

from typing import TYPE_CHECKING

from mainmode.model import Flow

if TYPE_CHECKING:
    from mainmode.testing.simulation.host import Host

_SILENCE_SHARE = 0.05
_BURST_SHARE = 0.05
_SILENCE_S = (30.0, 400.0)
"""Longer than the idle time at times."""
_OCTETS = (40, 1_500)
_BURST_OCTETS = 60_000


class Chatter:
    """One flow's packets, `mean_s` apart on average, until `stop`."""

    def __init__(self, host: "Host", flow: Flow, mean_s: float) -> None:
        self._host = host
        self._flow = flow
        self._mean_s = mean_s
        self._talks = True
        self._wait()

    def stop(self) -> None:
        self._talks = False

    def _wait(self) -> None:
        chance = self._host.world.chance
        if chance.random() < _SILENCE_SHARE:
            pause_s = chance.uniform(*_SILENCE_S)
        else:
            pause_s = chance.expovariate(1 / self._mean_s)
        self._host.world.agenda.after(pause_s, self._say)

    def _say(self) -> None:
        if not self._talks:
            return
        chance = self._host.world.chance
        burst = chance.random() < _BURST_SHARE
        self._host.say(self._flow, _BURST_OCTETS if burst else chance.randint(*_OCTETS))
        self._wait()
