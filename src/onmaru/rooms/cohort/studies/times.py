"""From cohorts to one row a person: in which group, how long they were watched from entry, and how that ended."""

from __future__ import annotations

from onmaru.rooms.cohort.studies.asked import Study

FEMALE = 8532
# Who is in both cohorts is in neither group: they would be compared with themselves
_ENTERED = """CREATE TABLE entered AS
WITH every AS ({every}),
single AS (SELECT subject_id FROM every GROUP BY subject_id HAVING count(DISTINCT grp) = 1)
SELECT e.grp, e.subject_id, min(e.cohort_start_date) AS start
FROM every e JOIN single s ON s.subject_id = e.subject_id GROUP BY e.grp, e.subject_id"""
_BOTH = """CREATE TABLE both_groups AS
SELECT count(*) AS persons FROM (SELECT subject_id FROM ({every}) GROUP BY subject_id HAVING count(DISTINCT grp) = 2)"""
_PEOPLE = """CREATE TABLE people AS
SELECT e.grp, e.subject_id, e.start, year(e.start) - p.year_of_birth AS age,
    CASE WHEN p.gender_concept_id = {female} THEN 1 ELSE 0 END AS female,
    min(o.observation_period_end_date) AS watched
FROM entered e
JOIN person p ON p.person_id = e.subject_id
JOIN observation_period o ON o.person_id = e.subject_id
    AND e.start BETWEEN o.observation_period_start_date AND o.observation_period_end_date
GROUP BY ALL"""
_FIRST = """CREATE TABLE {name}_day AS
SELECT p.subject_id, min(c.day) AS day, bool_or(c.day <= p.start) AS earlier
FROM people p JOIN ({days}) c ON c.subject_id = p.subject_id GROUP BY p.subject_id, p.start"""
_AFTER = """CREATE TABLE {name}_after AS
SELECT p.subject_id, min(c.day) AS day FROM people p JOIN ({days}) c ON c.subject_id = p.subject_id AND c.day > p.start
GROUP BY p.subject_id"""
# An end on one and the same day is the outcome's
_TIMES = """CREATE TABLE times AS
WITH ends AS (
    SELECT p.*, o.day AS outcome, {competing} AS other, least(p.watched, CAST(p.start + {days} AS DATE)) AS until
    FROM people p
    LEFT JOIN outcome_after o ON o.subject_id = p.subject_id
    LEFT JOIN outcome_day x ON x.subject_id = p.subject_id
    {join}
    WHERE NOT coalesce(x.earlier, false)
)
SELECT {group} AS grp, subject_id, start, age, female,
    CASE WHEN outcome <= until AND outcome <= coalesce(other, outcome) THEN 1
        WHEN other <= until THEN 2 ELSE 0 END AS status,
    date_diff('day', start, least(until, coalesce(outcome, until), coalesce(other, until))) AS time
FROM ends ORDER BY subject_id"""
_EARLIER = "CREATE TABLE earlier AS SELECT count(*) FILTER (earlier) AS persons FROM outcome_day"
GROUPS = {
    "": "grp",
    "sex": "CASE WHEN female = 1 THEN 'female' ELSE 'male' END",
    "age": "lpad(CAST(least(90, age // 10 * 10) AS VARCHAR), 2, '0')",
}
TABLES = ("observation_period", "person")


def entered(told: Study) -> list[str]:
    """`entered`: each person's first entry with its group; `people`: their age, sex and last day watched."""
    parts = ["SELECT 'target' AS grp, * FROM target"]
    if told.comparator:
        parts.append("SELECT 'comparator' AS grp, * FROM comparator")
    every = " UNION ALL ".join(parts)
    return [_ENTERED.format(every=every), _BOTH.format(every=every), _PEOPLE.format(female=FEMALE)]


def times(told: Study) -> list[str]:
    """`times`: group, days until the end, and status 1 outcome, 2 competing, 0 neither; who had the outcome is not in it."""
    days = "SELECT subject_id, cohort_start_date AS day FROM outcome"
    made = [
        *entered(told),
        _FIRST.format(name="outcome", days=days),
        _AFTER.format(name="outcome", days=days),
        _EARLIER,
    ]
    competing, join = "CAST(NULL AS DATE)", ""
    if told.competing:
        death = "SELECT person_id AS subject_id, death_date AS day FROM death"
        cohort = "SELECT subject_id, cohort_start_date AS day FROM competing"
        made.append(_AFTER.format(name="competing", days=death if told.competing == "death" else cohort))
        competing, join = "c.day", "LEFT JOIN competing_after c ON c.subject_id = p.subject_id"
    made.append(_TIMES.format(competing=competing, join=join, days=told.days, group=GROUPS[told.by]))
    return made


def tables(told: Study) -> tuple[str, ...]:
    """The CDM tables that these statements read."""
    return (*TABLES, "death") if told.competing == "death" else TABLES
