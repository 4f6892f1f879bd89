"""A synthetic Korean hospital, seeded and deterministic; nothing measured on it is ever shown as accuracy.

`hospital(seed, days)` iterates events as a hospital's systems send them, with their faults; `.truth` says what is right.
"""

from onmaru.simulate.faults import Event
from onmaru.simulate.hospital import Hospital, hospital
from onmaru.simulate.pace import pace
from onmaru.simulate.settings import NO_FAULTS, Faults, Settings, Shift, Ward
from onmaru.simulate.truth import Identity, Stay, Truth

__all__ = [
    "NO_FAULTS",
    "Event",
    "Faults",
    "Hospital",
    "Identity",
    "Settings",
    "Shift",
    "Stay",
    "Truth",
    "Ward",
    "hospital",
    "pace",
]
