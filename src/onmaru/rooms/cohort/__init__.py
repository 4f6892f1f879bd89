"""Cohorts: who meets a definition, how many are left after each rule, and what became of them, over the OMOP tables.

Its one law: whatever is drawn here runs as a Circe expression, and every count can be had again from what is given with it.
"""

from __future__ import annotations

from onmaru.kernel.room import Room, Setting
from onmaru.rooms.cohort.commands import COMMANDS, SCOPE
from onmaru.rooms.cohort.hiding import SMALLEST
from onmaru.rooms.cohort.routes import ROUTES

room = Room(
    name="cohort",
    routes=ROUTES,
    commands=COMMANDS,
    settings=(
        Setting("smallest_cell", SMALLEST, "Researchers are not told of fewer persons than this"),
        Setting("seconds", 60, "How long one run may take"),
    ),
    needs=("omop",),
    scopes=(SCOPE, "user/Library.cruds", "user/Group.cruds"),
)
