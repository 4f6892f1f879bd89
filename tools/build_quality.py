"""Regenerate the quality room's check list from OHDSI's CSV files: the columns that decide a check, without their prose.

python tools/build_quality.py FOLDER    # with OMOP_CDMv5.4_{Check_Descriptions,Table_Level,Field_Level,Concept_Level}.csv
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

OUT = Path(__file__).resolve().parents[1] / "src" / "onmaru" / "rooms" / "quality" / "data"
LEVELS = {"Check_Descriptions": "kinds", "Table_Level": "tables", "Field_Level": "fields", "Concept_Level": "concepts"}
PROSE = {"userGuidance", "etlConventions", "tableDescription", "sqlFile", "schema", "databaseSchema", "validation"}
# Checks that OHDSI's own list of kinds no longer names
GONE = ("isTemporallyConstant", "validPrevalence", "runForCohort", "conceptPrefix")


def kept(name: str) -> bool:
    """Whether a column decides anything."""
    return name not in PROSE and not name.endswith("Notes") and not name.startswith(GONE)


def main(folder: Path) -> None:
    """Write data/{kinds,tables,fields,concepts}.csv."""
    for source, target in LEVELS.items():
        with (folder / f"OMOP_CDMv5.4_{source}.csv").open(encoding="utf-8-sig", newline="") as text:
            rows = list(csv.DictReader(text))
        columns = [name for name in rows[0] if kept(name)]
        with (OUT / f"{target}.csv").open("w", encoding="utf-8", newline="") as text:
            writer = csv.writer(text, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows([" ".join((row[name] or "").split()) for name in columns] for row in rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
