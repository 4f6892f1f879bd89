"""Insight: what the house is doing, from the chart as it is, and its quality as FHIR Measures that can be counted again.

Its one law: every number names the position it is true at and the definition that made it, and both give it again.
"""

from __future__ import annotations

from onmaru.kernel.cells import SMALLEST
from onmaru.kernel.room import Room, Setting
from onmaru.rooms.insight.commands import COMMANDS
from onmaru.rooms.insight.routes import READING, ROUTES, WRITING

room = Room(
    name="insight",
    routes=ROUTES,
    commands=COMMANDS,
    settings=(
        Setting("smallest_cell", SMALLEST, "A measure tells nobody of fewer persons than this"),
        Setting("seconds", 60, "How long one board or measure may take"),
        Setting("theatre_minutes", 0, "Minutes a day that a theatre is open; 0: its use has no share"),
    ),
    scopes=(READING, *WRITING),
)
