"""The alerts' routes and reaction: what the room offers the house of them."""

from __future__ import annotations

from onmaru.kernel.room import Reaction, Route, Setting
from onmaru.rooms.monitor.alerts import acting, budget, listing, roster, what_if
from onmaru.rooms.monitor.alerts.facts import TYPES
from onmaru.rooms.monitor.alerts.reaction import Reactor

READ, ACT = "user/Observation.rs", "user/Task.u"
ROUTES = (
    Route("GET", "/ward", READ, listing.ward),
    Route("GET", "/alerts", READ, listing.alerts),
    Route("GET", "/alerts/{id}", READ, listing.one),
    Route("POST", "/alerts/seen", ACT, acting.seen),
    Route("POST", "/alerts/{id}/steps", ACT, acting.step),
    Route("GET", "/budget", READ, budget.budget),
    Route("POST", "/what-if", READ, what_if.what_if),
    Route("GET", "/roster", "user/Schedule.rs", roster.listed),
    Route("POST", "/roster", "user/Schedule.cu", roster.add),
    Route("DELETE", "/roster/{id}", "user/Schedule.d", roster.remove),
)
REACTION = Reaction("alerts", TYPES | {"Communication"}, Reactor)
SETTINGS = (
    Setting("rules_on", "", "Alert rules that are on besides those copied from their source, separated by spaces"),
    Setting(
        "webhook",
        "",
        "Where each telling of an alert is posted, without names or values; a host of the tenant's list",
    ),
)
SCOPES = (
    "user/Task.cruds", "user/Communication.cruds", "user/Flag.cruds", "user/Schedule.cruds", "user/PractitionerRole.cruds",
)  # fmt: skip
