"""The journey room's hot tables. Every column is a fact of one resource; what needs two resources is joined in a view.

Times (`low`, `high`) are µs since 1970 UTC in int columns, so that a view can count in them; `written` is the source's text.
"""

from __future__ import annotations

from onmaru.kernel.projection import Table

ITEM = Table(
    "journey_item",
    (
        ("low", "int"),
        ("kind", "text"),
        ("high", "int"),
        ("written", "text"),
        ("code", "text"),
        ("ko", "text"),
        ("en", "text"),
        ("value", "text"),
        ("unit", "text"),
        ("flag", "text"),
        ("status", "text"),
        ("detail", "text"),
        ("encounter", "text"),
        ("actor", "text"),
        ("actor_name", "text"),
        ("about", "text"),
    ),
    "hot",
    ("low", "kind", "flag"),
)
READING = Table(
    "journey_reading",
    (
        ("vital", "int"),
        ("code", "text"),
        ("low", "int"),
        ("written", "text"),
        ("ko", "text"),
        ("en", "text"),
        ("number", "float"),
        ("value", "text"),
        ("unit", "text"),
        ("flag", "text"),
        ("status", "text"),
        ("range_low", "text"),
        ("range_high", "text"),
    ),
    "hot",
    ("vital", "code", "low"),
)
CURRENT = Table(
    "journey_current",
    (
        ("section", "text"),
        ("low", "int"),
        ("written", "text"),
        ("code", "text"),
        ("ko", "text"),
        ("en", "text"),
        ("status", "text"),
        ("severity", "text"),
        ("detail", "text"),
        ("about", "text"),
    ),
    "hot",
    ("section",),
)
PATIENT = Table(
    "journey_patient",
    (
        ("patient", "text"),
        ("name", "text"),
        ("name_key", "text"),
        ("name_keys", "text"),
        ("other_names", "text"),
        ("find", "text"),
        ("birth", "text"),
        ("sex", "text"),
        ("number", "text"),
        ("identifiers", "text"),
        ("shown", "text"),
        ("deceased", "text"),
        ("active", "int"),
    ),
    "hot",
    ("patient",),
)
LINK = Table(
    "journey_link",
    (("survivor", "text"), ("gone", "text"), ("relation", "text")),
    "hot",
    ("relation",),
)
STAY = Table(
    "journey_stay",
    (
        ("low", "int"),
        ("written", "text"),
        ("status", "text"),
        ("class", "text"),
        ("ko", "text"),
        ("en", "text"),
        ("reason", "text"),
        ("place", "text"),
        ("place_name", "text"),
        ("actor", "text"),
        ("actor_name", "text"),
    ),
    "hot",
    ("low",),
)
THING = Table(
    "journey_thing",
    (("thing", "text"), ("name", "text"), ("form", "text"), ("bedside", "int"), ("part_of", "text")),
    "hot",
    ("thing",),
)
TABLES = (ITEM, READING, CURRENT, PATIENT, LINK, STAY, THING)
