"""The patient journey: whose chart this is, what matters now and everything that ever happened, on one screen.

Its one law: it invents nothing. Every word, digit and flag is the source's own, and each leads back to its source.
"""

from __future__ import annotations

from onmaru.kernel.room import Room, Route, Setting
from onmaru.rooms.journey import views
from onmaru.rooms.journey.document import document
from onmaru.rooms.journey.listing import items, series
from onmaru.rooms.journey.patients import patients, wards
from onmaru.rooms.journey.printing import PRINT_MOST, print_pdf
from onmaru.rooms.journey.projection import Journey
from onmaru.rooms.journey.source import source
from onmaru.rooms.journey.summary import summary
from onmaru.rooms.journey.timeline import timeline

SCOPE = "user/Patient.rs"
ROUTES = (
    Route("GET", "/patients", SCOPE, patients),
    Route("GET", "/wards", SCOPE, wards),
    Route("GET", "/patients/{id}/summary", SCOPE, summary),
    Route("GET", "/patients/{id}/timeline", SCOPE, timeline),
    Route("GET", "/patients/{id}/items", SCOPE, items),
    Route("GET", "/patients/{id}/series", SCOPE, series),
    Route("GET", "/patients/{id}/source/{type}/{rid}", SCOPE, source),
    Route("GET", "/patients/{id}/document", SCOPE, document),
    Route("GET", "/patients/{id}/print.pdf", SCOPE, print_pdf),
)
SETTINGS = (
    Setting("address", "", "This server's public address, used in exported documents"),
    Setting("zone", "Asia/Seoul", "Time zone that printed times are shown in"),
    Setting("print_most", PRINT_MOST, "The most items that one print shows"),
)
room = Room(
    name="journey",
    projections=(Journey(),),
    routes=ROUTES,
    views=views.ALL,
    settings=SETTINGS,
    provides=("journey",),
    scopes=("user/*.rs",),
)
