"""Data quality: OHDSI's checks over the CDM tables, ours over the resources, and what stands behind each failure.

Its one law: a check that could not be asked is told apart from one that passed, and every failing row leads to its source.
"""

from __future__ import annotations

from onmaru.kernel.room import Room, Setting
from onmaru.rooms.quality.commands import COMMANDS, SCOPE
from onmaru.rooms.quality.routes import ROUTES
from onmaru.rooms.quality.running import NEWEST, SECONDS

room = Room(
    name="quality",
    routes=ROUTES,
    commands=COMMANDS,
    settings=(
        Setting("seconds", SECONDS, "How long each part of a run may take"),
        Setting("validated", NEWEST, "How many of the newest resources of each type a run validates"),
        Setting("owner", "", "Who answers for the checks that have no owner of their own"),
    ),
    needs=("omop",),
    scopes=(SCOPE, "user/Task.cruds"),
)
