"""The monitor: who is getting worse, seen early, by scores whose every cell was copied from a source that can be opened.

Its one law: a value that is missing, stale or unreadable is said to be so and is never taken for normal.
"""

from __future__ import annotations

from onmaru.kernel.room import Room, Route, Setting
from onmaru.rooms.monitor import views
from onmaru.rooms.monitor.alerts import push
from onmaru.rooms.monitor.alerts.devices import Devices
from onmaru.rooms.monitor.alerts.listed_rules import ROUTES as RULES
from onmaru.rooms.monitor.alerts.routes import REACTION, ROUTES, SCOPES, SETTINGS
from onmaru.rooms.monitor.alerts.tables import Alerts
from onmaru.rooms.monitor.course import ROUTES as COURSE
from onmaru.rooms.monitor.feed import ROUTES as FEED
from onmaru.rooms.monitor.handover.handed import Handovers
from onmaru.rooms.monitor.handover.sheet import ROUTES as HANDOVER
from onmaru.rooms.monitor.models import commands, serving, shown
from onmaru.rooms.monitor.models.risk import Risks
from onmaru.rooms.monitor.models.routes import ROUTES as MODELS
from onmaru.rooms.monitor.projection import Monitor
from onmaru.rooms.monitor.review.routes import ROUTES as REVIEW
from onmaru.rooms.monitor.scores import scores
from onmaru.rooms.monitor.wall import events, live, stream

SCOPE = "user/Patient.rs"
# The board is no table that the gate narrows: numbers are shown to who may read every Observation
LIVE = "user/Observation.rs"
room = Room(
    name="monitor",
    projections=(Monitor(), Alerts(), Risks(), Devices(), Handovers()),
    routes=(
        Route("GET", "/patients/{id}/scores", SCOPE, scores),
        Route("GET", "/live", LIVE, live),
        Route("GET", "/live/events", LIVE, events),
        Route("POST", "/stream", "user/Observation.c", stream),
        *FEED,
        *COURSE,
        *RULES,
        *ROUTES,
        *push.ROUTES,
        *MODELS,
        *shown.ROUTES,
        *REVIEW,
        *HANDOVER,
    ),
    commands=commands.COMMANDS,
    reactions=(REACTION, serving.REACTION),
    views=views.ALL,
    settings=(
        Setting("fresh_minutes", 720, "How old a reading may be, in minutes, and still count in a score"),
        Setting("stream_fresh_seconds", 300, "How old a device's value may be, in seconds, and still count in a score"),
        Setting("unverified", False, "Whether scores are shown whose tables nobody has checked against their source"),
        *SETTINGS,
        *push.SETTINGS,
        *serving.SETTINGS,
    ),
    needs=("journey",),
    provides=("monitor",),
    scopes=("user/*.rs", "user/Observation.c", *SCOPES, *commands.SCOPES, *serving.SCOPES),
)
