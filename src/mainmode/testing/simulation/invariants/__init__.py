"""What must hold in every simulation, whatever befalls the hosts."""

from mainmode.testing.simulation.invariants.bounds import Bounds
from mainmode.testing.simulation.invariants.clear import NothingInClear
from mainmode.testing.simulation.invariants.messages import MessagesOnce, RetryCycle
from mainmode.testing.simulation.invariants.pairs import DriverAgrees, MirroredPairs, OnePair
from mainmode.testing.simulation.invariants.reports import Explained
from mainmode.testing.simulation.invariants.tables import NothingLeft, Timers

ALL = (
    NothingInClear,
    MirroredPairs,
    DriverAgrees,
    OnePair,
    Timers,
    NothingLeft,
    MessagesOnce,
    RetryCycle,
    Bounds,
    Explained,
)
