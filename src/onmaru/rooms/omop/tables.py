"""What the room's follower keeps: facts with the source's own codes. Which concept a code is, is asked by the derivation.

Ids are made from resource names (`ids.number`). Times are the source's own wall-clock time, as OMOP's are. A column that
names a code holds its key (codes.py); `codes` holds the text of every key in the row.
"""

from __future__ import annotations

from onmaru.kernel.projection import ColumnType, Table


def _table(name: str, columns: str) -> Table:
    """Columns as `name:type`."""
    kinds: dict[str, ColumnType] = {"i": "int", "s": "text", "x": "float", "d": "date", "t": "timestamp"}
    made = ((column, kinds[kind]) for column, _, kind in (one.partition(":") for one in columns.split()))
    return Table(f"omop_{name}", tuple(made))


_SPAN = "start_date:d start_time:t end_date:d end_time:t"
PERSON = _table(
    "person",
    """id:i name:s year:i month:i day:i birth:t gender:s survivor:i gender_key:i race_key:i race:s ethnicity_key:i
    ethnicity:s place:i provider:i site:i died_date:d died_time:t kind:i codes:s""",
)
# `whole`: the Encounter that this one is part of, or null.
VISIT = _table(
    "visit",
    f"""id:i person:i whole:i class:s {_SPAN} source_value:s class_key:i admit_key:i admit:s discharge_key:i discharge:s
    provider:i site:i episode:i episode_key:i kind:i codes:s""",
)
# `part`: "" for the resource's own row, else `component[n]`. `usual`: the table when no concept says otherwise.
# `thing`: id of the Medication or Device whose codes stand for this row's, or null. `specimen`: what it was measured in.
FACT = _table(
    "fact",
    f"""id:i part:s type:s usual:s person:i visit:i thing:i provider:i {_SPAN} clock:s source_value:s system:s operator:s
    number:x said:s unit:s low:x high:x quantity:x refills:i days:i sig:s lot:s route:s dose_unit:s status:s stop_reason:s
    device:s production:s specimen:i specimen_key:i measured_key:i code:i value:i
    unit_key:i route_key:i status_key:i operator_key:i kind:i codes:s""",
)
THING = _table("thing", "id:i code:i device:s production:s codes:s")
PROVIDER = _table("provider", "id:i name:s npi:s year:i gender:s gender_key:i source:s codes:s")
ROLE = _table("role", "provider:i specialty:s specialty_key:i site:i codes:s")
SITE = _table("site", "id:i name:s place:i type:s type_key:i source:s codes:s")
PLACE = _table("place", "id:i city:s state:s zip:s county:s country:s source:s latitude:x longitude:x")
NOTE = _table(
    "note",
    f"""id:i person:i visit:i provider:i {_SPAN} title:s text:s class:i source_value:s language:s kind:i codes:s""",
)
SPECIMEN = _table(
    "specimen",
    f"""id:i person:i {_SPAN} code:i source_value:s name:s quantity:x unit:s unit_key:i body_site:s site_key:i kind:i
    codes:s""",
)
PLAN = _table("plan", f"id:i person:i {_SPAN} payer_key:i payer:s plan:s sponsor:s codes:s")
EPISODE = _table("episode", f"id:i person:i {_SPAN} code:i source_value:s kind:i codes:s")
COST = _table(
    "cost",
    """id:i person:i visit:i charge:x allowed:x benefit:x copay:x deductible:x paid:x currency_key:i kind:i codes:s""",
)
# What a ConceptMap of the record says of a code; `target` is "" where it says that there is none.
MAP = _table("map", "system:s code:s target_system:s target:s relation:s")
# Resources of types that have no place in the CDM
APART = _table("apart", "type:s")
DROPPED = _table("dropped", "type:s reason:s")
TABLES = (
    PERSON,
    VISIT,
    FACT,
    THING,
    PROVIDER,
    ROLE,
    SITE,
    PLACE,
    NOTE,
    SPECIMEN,
    PLAN,
    EPISODE,
    COST,
    MAP,
    APART,
    DROPPED,
)
