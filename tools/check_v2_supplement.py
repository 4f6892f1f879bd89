"""Hold our own v2 maps against the field definitions of hl7apy (pip install hl7apy): python tools/check_v2_supplement.py.

Prints each field whose type differs in all of HL7 v2.5 to 2.8.2, and ends with the count of those that agree.
"""

from __future__ import annotations

import importlib

import v2_supplement

VERSIONS = ("2_8_2", "2_8_1", "2_8", "2_7", "2_6", "2_5_1", "2_5")
# Older names of a data type, and narrower ones that are read alike
SAME = {"CWE": {"CE", "CNE", "IS", "ID"}, "DTM": {"TS", "DT"}, "ST": {"TX", "FT", "SI", "NM"}, "PL": {"LA2"}}


def types(segment: str, field: int) -> dict[str, str]:
    """version → data type of a field, where the version has the field."""
    found = {}
    for version in VERSIONS:
        known = importlib.import_module(f"hl7apy.v{version}.fields").FIELDS.get(f"{segment}_{field}")
        if known:
            found[version] = known[2]
    return found


def main() -> None:
    """Compare all rows and types of the supplement."""
    said = {
        (table.split("[")[0], row[0], row[1]) for table, rows in v2_supplement.MAPS.items() for row in rows if row[0]
    }
    said |= {(segment, field, kind) for segment, kinds in v2_supplement.TYPES.items() for field, kind in kinds.items()}
    agree = 0
    for segment, field, kind in sorted(said):
        known = set(types(segment, field).values())
        if known & {kind, *SAME.get(kind, ())}:
            agree += 1
        else:
            print(f"{segment}-{field}: ours {kind}, theirs {sorted(known) or 'unknown'}")
    print(f"{agree} of {len(said)} agree")


if __name__ == "__main__":
    main()
