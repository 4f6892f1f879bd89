"""Equity: how far a measure differs between groups of patients, where on the way a gap opens, and whom to reach.

Its one law: no answer tells of fewer persons than the least, whoever asks; what the record does not hold is missing,
never guessed.
"""

from __future__ import annotations

from onmaru.kernel.cells import SMALLEST
from onmaru.kernel.room import Room, Setting
from onmaru.rooms.equity.commands import COMMANDS
from onmaru.rooms.equity.routes import ROUTES, SCOPE

room = Room(
    name="equity",
    routes=ROUTES,
    commands=COMMANDS,
    settings=(
        Setting("smallest_cell", SMALLEST, "Nobody is told of fewer persons than this"),
        Setting("seconds", 60, "How long one board may take"),
        Setting("ages", "18 40 65 75", "Where the age bands begin, in years"),
        Setting("distances", "5 20 50", "Where the distance bands begin, in km"),
        Setting("place", "", "Where the hospital stands, as `latitude longitude`; distance is missing without"),
        Setting(
            "disability",
            "",
            "Codes of Conditions that register a disability, as `system|code` with spaces between",
        ),
    ),
    scopes=(SCOPE,),
)
