"""Care at home: what patients measure and answer by a plan that a clinician wrote, how much of it came, and who is silent.

Its one law: a patient of whom nothing is heard is never normal; every limit is the plan's own, none is shipped.
"""

from __future__ import annotations

from onmaru.kernel.room import Reaction, Room, Route, Setting
from onmaru.rooms.remote import listing, mine, views, writing
from onmaru.rooms.remote.reaction import TYPES, Reactor
from onmaru.rooms.remote.tables import Remote

READ = "user/Observation.rs"
room = Room(
    name="remote",
    projections=(Remote(),),
    routes=(
        Route("GET", "/plans", READ, listing.plans),
        Route("POST", "/plans", "user/CarePlan.c", writing.add),
        Route("GET", "/plans/{id}", READ, listing.one),
        Route("POST", "/plans/{id}/end", "user/CarePlan.u", writing.end),
        Route("POST", "/plans/{id}/contacts", "user/Communication.c", writing.contact),
        Route("POST", "/attention/{id}", "user/Task.u", writing.close),
        Route("GET", "/mine", READ, mine.mine),
        Route("POST", "/mine", "user/QuestionnaireResponse.c", mine.enter),
    ),
    reactions=(Reaction("remote", TYPES, Reactor),),
    views=views.ALL,
    settings=(
        Setting("ward", "", "The ward (`Location/ID`) by whose roster what asks for somebody is told; empty: every ward's"),
    ),
    needs=("journey",),
    provides=("remote",),
    scopes=(
        "user/*.rs", "user/CarePlan.cu", "user/Communication.c", "user/Task.cu", "user/Flag.cu", "user/Observation.cu",
        "user/QuestionnaireResponse.c",
    ),
)  # fmt: skip
