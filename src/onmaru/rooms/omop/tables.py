"""What the room's follower keeps: facts with the source's own codes. Which concept a code is, is asked in the views.

Ids are made from resource names (`ids.number`). Times are the source's own wall-clock time, as OMOP's are.
"""

from __future__ import annotations

from onmaru.kernel.projection import Table

PERSON = Table(
    "omop_person",
    (
        ("id", "int"),
        ("name", "text"),
        ("year", "int"),
        ("month", "int"),
        ("day", "int"),
        ("birth", "timestamp"),
        ("gender", "text"),
        ("survivor", "int"),
    ),
)
VISIT = Table(
    "omop_visit",
    (
        ("id", "int"),
        ("person", "int"),
        ("class", "text"),
        ("start_date", "date"),
        ("start_time", "timestamp"),
        ("end_date", "date"),
        ("end_time", "timestamp"),
        ("source_value", "text"),
    ),
)
# `part`: "" for the resource's own row, else `component[n]`. `usual`: the table when no concept says otherwise.
# `thing`: id of the Medication whose codes stand for this row's, or null.
FACT = Table(
    "omop_fact",
    (
        ("id", "int"),
        ("part", "text"),
        ("type", "text"),
        ("usual", "text"),
        ("person", "int"),
        ("visit", "int"),
        ("thing", "int"),
        ("start_date", "date"),
        ("start_time", "timestamp"),
        ("end_date", "date"),
        ("end_time", "timestamp"),
        ("clock", "text"),
        ("source_value", "text"),
        ("operator", "text"),
        ("number", "float"),
        ("said", "text"),
        ("unit", "text"),
        ("low", "float"),
        ("high", "float"),
        ("quantity", "float"),
        ("refills", "int"),
        ("days", "int"),
        ("sig", "text"),
        ("lot", "text"),
        ("route", "text"),
        ("status", "text"),
        ("stop_reason", "text"),
    ),
)
# `role`: code, value, unit, route, race or ethnicity; `place`: order among the codings of one CodeableConcept.
CODING = Table(
    "omop_coding",
    (("fact", "int"), ("role", "text"), ("place", "int"), ("system", "text"), ("code", "text"), ("label", "text")),
)
DROPPED = Table("omop_dropped", (("type", "text"), ("reason", "text")))
TABLES = (PERSON, VISIT, FACT, CODING, DROPPED)
