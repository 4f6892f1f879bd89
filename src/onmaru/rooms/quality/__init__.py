"""Data quality: OHDSI's checks over the CDM tables, and what stands behind each failure.

Its one law: a check that could not be asked is told apart from one that passed, and every failing row leads to its source.
"""

from __future__ import annotations

from onmaru.kernel.room import Room, Setting
from onmaru.rooms.quality.commands import COMMANDS, SCOPE
from onmaru.rooms.quality.routes import ROUTES

room = Room(
    name="quality",
    routes=ROUTES,
    commands=COMMANDS,
    settings=(Setting("seconds", 600, "How long a run of all checks may take"),),
    needs=("omop",),
    scopes=(SCOPE,),
)
