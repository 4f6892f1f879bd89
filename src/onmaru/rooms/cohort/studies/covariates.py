"""What was known of each person before entry: every concept of the domains that this house has, once a person."""

from __future__ import annotations

import math
from collections.abc import Sequence

# Table → the columns of its concept and of the day on which it began
DOMAINS = {
    "condition_occurrence": ("condition_concept_id", "condition_start_date"),
    "drug_exposure": ("drug_concept_id", "drug_exposure_start_date"),
    "procedure_occurrence": ("procedure_concept_id", "procedure_date"),
    "measurement": ("measurement_concept_id", "measurement_date"),
    "observation": ("observation_concept_id", "observation_date"),
    "visit_occurrence": ("visit_concept_id", "visit_start_date"),
}
_DOMAIN = """SELECT DISTINCT p.grp, p.subject_id, '{table}' AS domain, x.{concept} AS concept
FROM people p JOIN {table} x ON x.person_id = p.subject_id
WHERE x.{concept} > 0 AND x.{day} BETWEEN CAST(p.start - {before} AS DATE) AND CAST(p.start - {until} AS DATE)"""
_COUNTED = """CREATE TABLE counted AS
SELECT f.domain, f.concept, {name} AS name, count(*) FILTER (f.grp = 'target') AS target,
    count(*) FILTER (f.grp = 'comparator') AS comparator
FROM features f {join} GROUP BY f.domain, f.concept ORDER BY f.domain, f.concept"""
_TOTALS = """CREATE TABLE totals AS
SELECT grp, count(*) AS persons, avg(age) AS age, stddev_samp(age) AS age_sd, avg(female) AS female
FROM people GROUP BY grp ORDER BY grp"""


def tables(there: frozenset[str]) -> list[str]:
    """The domains' tables that this house has, and the concepts' names."""
    return [table for table in (*DOMAINS, "concept") if table in there]


def counted(there: frozenset[str], before: int, until: int) -> list[str]:
    """`features`: a row a person and concept, from `before` to `until` days before entry; `counted` by group; `totals`."""
    parts = [
        _DOMAIN.format(table=table, concept=DOMAINS[table][0], day=DOMAINS[table][1], before=before, until=until)
        for table in tables(there)
        if table in DOMAINS
    ]
    named = "concept" in there
    join = "LEFT JOIN concept k ON k.concept_id = f.concept" if named else ""
    features = f"CREATE TABLE features AS {' UNION ALL '.join(parts)}"
    return [features, _COUNTED.format(name="any_value(k.concept_name)" if named else "NULL", join=join), _TOTALS]


def difference(first: float, second: float) -> float:
    """The standardised mean difference of two shares (Austin 2009); 0 where neither varies and they are equal."""
    return apart(first, second, math.sqrt((first * (1 - first) + second * (1 - second)) / 2))


def apart(first: float, second: float, spread: float) -> float:
    """Of two means whose pooled standard deviation is `spread`."""
    if first == second:
        return 0.0
    return (first - second) / spread if spread > 0 else math.copysign(math.inf, first - second)


def pooled(first: float | None, second: float | None) -> float:
    """The pooled standard deviation of two groups; of one person there is none."""
    return math.sqrt(((first or 0.0) ** 2 + (second or 0.0) ** 2) / 2)


def finite(values: Sequence[float]) -> list[float | None]:
    """Without what JSON cannot hold."""
    return [value if math.isfinite(value) else None for value in values]
