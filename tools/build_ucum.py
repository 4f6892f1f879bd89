"""Write `src/onmaru/fhir/data/ucum.json` from npm's `@lhncbc/ucum-lhc`; the same package gives the same bytes.

    python tools/build_ucum.py lhncbc-ucum-lhc-7.1.10.tgz [OUTPUT]

Kept are the prefixes and UCUM's own unit atoms, each with the exact factor and unit text of its definition; the
package's combinations of units are left out, because a unit expression is computed from its atoms.
"""

from __future__ import annotations

import json
import sys
import tarfile
from decimal import Decimal
from pathlib import Path
from typing import Any

OUTPUT = Path(__file__).parent.parent / "src/onmaru/fhir/data/ucum.json"
# Their definitions lose a leading number or slash in the package, so that its text does not give its magnitude.
DAMAGED = frozenset({"[mu_0]", "Oe", "Gb", "[S]", "Bd"})
NOTICE = (
    "This product includes all or a portion of the UCUM table, UCUM codes, and UCUM definitions or is derived from it, "
    "subject to a license from Regenstrief Institute, Inc. and The UCUM Organization, which is available at "
    "https://ucum.org/license. UCUM table and codes are copyright 1995-2009, Regenstrief Institute, Inc. and the Unified "
    "Codes for Units of Measures (UCUM) Organization. All rights reserved."
)


def read(package: Path) -> dict[str, Any]:
    with tarfile.open(package) as tar:
        stream = tar.extractfile("package/data/ucumDefs.min.json")
        assert stream is not None
        return dict(json.load(stream, parse_float=Decimal))


def rows(table: dict[str, Any]) -> list[dict[str, Any]]:
    names = [name if isinstance(name, str) else name[1] for name in table["config"]]
    return [dict(zip(names, row, strict=True)) for row in table["data"]]


def prefixes(table: dict[str, Any]) -> dict[str, str]:
    """Prefix → its factor."""
    return {row["code_"]: f"1e{row['exp_']}" if row["exp_"] else str(row["value_"]) for row in rows(table)}


def atom(row: dict[str, Any]) -> list[str]:
    """[factor, unit text, flags]: b base, m takes prefixes, s special scale, a arbitrary; no factor for b and s."""
    flags = "".join(
        letter
        for letter, name in (("b", "isBase_"), ("m", "isMetric_"), ("s", "isSpecial_"), ("a", "isArbitrary_"))
        if row[name]
    )
    if row["isBase_"]:
        return ["", "", f"{flags}m"]
    if row["isSpecial_"]:
        return ["", "", flags]
    return [str(row["baseFactorStr_"] or row["baseFactor_"]), row["csUnitString_"], flags]


def main() -> None:
    package, output = Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else OUTPUT
    data = read(package)
    own = [row for row in rows(data["units"]) if row["source_"] == "UCUM" and row["csCode_"] not in DAMAGED]
    atoms = {row["csCode_"]: atom(row) for row in own}
    content = {"license": NOTICE, "prefixes": prefixes(data["prefixes"]), "atoms": dict(sorted(atoms.items()))}
    output.write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n")
    print(f"{output}: {len(content['prefixes'])} prefixes, {len(atoms)} atoms")


if __name__ == "__main__":
    main()
