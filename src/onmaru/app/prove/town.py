"""What the proof at size asks a town's tables: a cohort of ten criteria, and questions as a hospital's boards have them."""

from __future__ import annotations

from collections.abc import Mapping

NESTED = """WITH ill AS (
    SELECT _patient FROM (SELECT _patient, code.coding[1].code AS code FROM "Condition")
    GROUP BY _patient HAVING bool_or(code = 'E11.9') AND bool_or(code = 'I10')
),
treated AS (
    SELECT _patient FROM (SELECT _patient, medicationCodeableConcept.coding[1].code AS code FROM "MedicationRequest")
    GROUP BY _patient HAVING count(*) FILTER (code = 'A10BA02') >= 3 AND bool_or(code = 'C08CA01')
),
seen AS (
    SELECT _patient FROM "Encounter" WHERE class.code = 'AMB' GROUP BY _patient HAVING count(*) >= 5
),
insured AS (SELECT _patient FROM "Coverage" WHERE type.coding[1].code = 'NHI'),
measured AS (
    SELECT _patient FROM (SELECT _patient, code.coding[1].code AS code, valueQuantity.value AS value FROM "Observation")
    WHERE code IN ('4548-4', '8480-6') GROUP BY _patient
    HAVING max(TRY_CAST(value AS DOUBLE)) FILTER (code = '4548-4') >= 8
        AND max(TRY_CAST(value AS DOUBLE)) FILTER (code = '8480-6') >= 140
)
SELECT count(*) AS persons FROM "Patient" p
WHERE p.gender = 'female' AND p.birthDate < '1970'
    AND p.id IN (SELECT _patient FROM ill) AND p.id IN (SELECT _patient FROM treated)
    AND p.id IN (SELECT _patient FROM seen) AND p.id IN (SELECT _patient FROM insured)
    AND p.id IN (SELECT _patient FROM measured)"""
"""Women, born before 1970, insured, with diabetes, with hypertension, three orders of metformin, one of amlodipine, five
visits to clinics, an HbA1c of 8 or more, a systolic pressure of 140 or more: over the resources as they are nested."""

CODINGS = """WITH ill AS (
    SELECT _patient FROM "Coding" WHERE type = 'Condition' AND code IN ('E11.9', 'I10')
    GROUP BY _patient HAVING bool_or(code = 'E11.9') AND bool_or(code = 'I10')
),
treated AS (
    SELECT _patient FROM "Coding" WHERE type = 'MedicationRequest' AND code IN ('A10BA02', 'C08CA01')
    GROUP BY _patient HAVING count(*) FILTER (code = 'A10BA02') >= 3 AND bool_or(code = 'C08CA01')
),
seen AS (
    SELECT _patient FROM "Coding" WHERE type = 'Encounter' AND code = 'AMB' GROUP BY _patient HAVING count(*) >= 5
),
measured AS (
    SELECT _patient FROM "Coding" WHERE type = 'Observation' AND code IN ('4548-4', '8480-6') GROUP BY _patient
    HAVING max(TRY_CAST(value AS DOUBLE)) FILTER (code = '4548-4') >= 8
        AND max(TRY_CAST(value AS DOUBLE)) FILTER (code = '8480-6') >= 140
)
SELECT count(*) AS persons FROM "Patient" p
WHERE p.gender = 'female' AND p.birthDate < '1970'
    AND p.id IN (SELECT _patient FROM ill) AND p.id IN (SELECT _patient FROM treated)
    AND p.id IN (SELECT _patient FROM seen) AND p.id IN (SELECT _patient FROM measured)
    AND p.id IN (SELECT _patient FROM "Coding" WHERE type = 'Coverage' AND code = 'NHI')"""
"""The same people by the rows of their codings."""

COHORT = """SELECT count(*) AS persons FROM "Patient" p
WHERE p.gender = 'female' AND p.birthDate < '1970'
    AND p.id IN (SELECT _patient FROM "Coded" WHERE type = 'Coverage' AND code = 'NHI')
    AND p.id IN (SELECT _patient FROM "Coded" WHERE type = 'Condition' AND code = 'E11.9')
    AND p.id IN (SELECT _patient FROM "Coded" WHERE type = 'Condition' AND code = 'I10')
    AND p.id IN (SELECT _patient FROM "Coded" WHERE type = 'MedicationRequest' AND code = 'A10BA02'
        GROUP BY _patient HAVING sum(n) >= 3)
    AND p.id IN (SELECT _patient FROM "Coded" WHERE type = 'MedicationRequest' AND code = 'C08CA01')
    AND p.id IN (SELECT _patient FROM "Coded" WHERE type = 'Encounter' AND code = 'AMB'
        GROUP BY _patient HAVING sum(n) >= 5)
    AND p.id IN (SELECT _patient FROM "Coded" WHERE type = 'Observation' AND code = '4548-4' AND most >= 8)
    AND p.id IN (SELECT _patient FROM "Coded" WHERE type = 'Observation' AND code = '8480-6' AND most >= 140)"""
"""The same people by what they had and how often."""

_HAD = """SELECT count(*) AS persons FROM (
    SELECT _patient FROM "Coded" WHERE type = '{type}' AND code = '{code}' GROUP BY _patient HAVING {having}
)"""


def _had(type: str, code: str, having: str = "true") -> str:
    return _HAD.format(type=type, code=code, having=having)


CRITERIA: Mapping[str, str] = {
    "women": """SELECT count(*) AS persons FROM "Patient" WHERE gender = 'female'""",
    "born before 1970": """SELECT count(*) AS persons FROM "Patient" WHERE birthDate < '1970'""",
    "insured": _had("Coverage", "NHI"),
    "diabetes": _had("Condition", "E11.9"),
    "hypertension": _had("Condition", "I10"),
    "three orders of metformin": _had("MedicationRequest", "A10BA02", "sum(n) >= 3"),
    "amlodipine": _had("MedicationRequest", "C08CA01"),
    "five visits to clinics": _had("Encounter", "AMB", "sum(n) >= 5"),
    "HbA1c of 8 or more": _had("Observation", "4548-4", "max(most) >= 8"),
    "systolic 140 or more": _had("Observation", "8480-6", "max(most) >= 140"),
}
"""How many meet each criterion alone."""

QUESTIONS: Mapping[str, str] = {
    "visits by month": """SELECT substr(occurred, 1, 7) AS month, code AS kind, count(*) AS n
        FROM "Coding" WHERE type = 'Encounter' GROUP BY ALL ORDER BY ALL""",
    "stay by department": """SELECT serviceProvider.display AS department, count(*) AS n,
        avg(date_diff('day', CAST(substr(period.start, 1, 10) AS DATE), CAST(substr(period."end", 1, 10) AS DATE))) AS days
        FROM "Encounter" WHERE class.code = 'IMP' GROUP BY ALL ORDER BY ALL""",
    "diagnoses by sex": """SELECT c.code, p.gender, CAST(sum(c.n) AS BIGINT) AS n
        FROM "Coded" c JOIN "Patient" p ON p.id = c._patient WHERE c.type = 'Condition' GROUP BY ALL ORDER BY n DESC""",
    "drugs by year": """SELECT code AS drug, substr(occurred, 1, 4) AS year, count(*) AS n
        FROM "Coding" WHERE type = 'MedicationRequest' AND system = 'http://www.whocc.no/atc' GROUP BY ALL ORDER BY ALL""",
    "insurance by age": """SELECT c.code AS kind, substr(p.birthDate, 1, 3) AS decade, count(*) AS n
        FROM "Coded" c JOIN "Patient" p ON p.id = c._patient WHERE c.type = 'Coverage' GROUP BY ALL ORDER BY ALL""",
    "one person's measurements": """SELECT code.text AS what, max(effectiveDateTime) AS last, count(*) AS n
        FROM "Observation" WHERE _patient = 'sim-00000001' GROUP BY ALL""",
}
