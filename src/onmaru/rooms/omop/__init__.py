"""Research tables: the record as OMOP CDM 5.4, each row leading back to the version of the resource that it came from.

Its one law: it keeps what the source wrote, and a concept only where the site's vocabulary or a person says so.
"""

from __future__ import annotations

from onmaru.kernel.room import Room, Route, Setting
from onmaru.rooms.omop import deciding, views
from onmaru.rooms.omop.commands import COMMANDS, SCOPE
from onmaru.rooms.omop.coverage import page
from onmaru.rooms.omop.derivation import DERIVATION
from onmaru.rooms.omop.projection import Omop

room = Room(
    name="omop",
    projections=(Omop(),),
    derivations=(DERIVATION,),
    routes=(
        Route("GET", "/coverage", SCOPE, page),
        Route("GET", "/mapping/candidates", SCOPE, deciding.candidates),
        Route("GET", "/mapping/decisions", deciding.READ, deciding.listed),
        Route("GET", "/mapping/decisions.csv", deciding.READ, deciding.file),
        Route("POST", "/mapping/decisions", deciding.DECIDE, deciding.decide),
    ),
    commands=COMMANDS,
    views=views.every(),
    settings=(
        Setting("systems", "", "Code systems of the site as uri=VOCABULARY, separated by spaces"),
        Setting("source_name", "Onmaru", "What the table cdm_source calls this data source"),
    ),
    provides=("omop",),
    scopes=(SCOPE, deciding.READ, deciding.DECIDE),
)
