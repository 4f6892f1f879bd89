"""Makes the small store that a release leaves behind for all later ones to open: `make_release_store.py VERSION`.

Everybody in it is invented; its keys lie beside it, for it keeps no secret. Run it once a release.
"""

from __future__ import annotations

import json
import sys
import tarfile
import tempfile
from pathlib import Path

from onmaru.app.house import House, Place, system
from onmaru.kernel.accounts import User
from onmaru.kernel.record import Change

FIXTURES = Path(__file__).resolve().parents[1] / "tests" / "fixtures"
PATIENT = {"resourceType": "Patient", "id": "p1", "gender": "female", "birthDate": "1970-01-02",
           "identifier": [{"system": "urn:test:mrn", "value": "000001"}], "name": [{"text": "김가상"}]}  # fmt: skip


def bodies() -> list[dict[str, object]]:
    """A person with an encounter, vital signs, an allergy, a drug and a consent; another who is erased."""
    whose = {"reference": "Patient/p1"}
    loinc = [{"system": "http://loinc.org", "code": "8310-5"}]
    return [
        PATIENT,
        {**PATIENT, "id": "p2", "name": [{"text": "지울이"}], "identifier": [{"value": "2"}]},
        {"resourceType": "Encounter", "id": "e1", "status": "in-progress", "class": {"code": "IMP"}, "subject": whose},
        *(
            {"resourceType": "Observation", "id": f"o{n}", "status": "final", "code": {"coding": loinc}, "subject": whose,
             "effectiveDateTime": f"2026-01-0{n}T09:00:00+09:00", "valueQuantity": {"value": 36 + n, "unit": "Cel"}}
            for n in range(1, 6)
        ),
        {"resourceType": "AllergyIntolerance", "id": "a1", "patient": whose, "code": {"text": "페니실린"}},
        {"resourceType": "MedicationRequest", "id": "m1", "status": "active", "intent": "order", "subject": whose,
         "medicationCodeableConcept": {"text": "메트포르민 500 mg"}},
    ]  # fmt: skip


def make(folder: Path) -> None:
    """Write home, keys and witness."""
    house = House(Place(folder / "home", folder / "keys", folder / "witness"))
    house.logins.keep_user(User("main", "nurse", "간호사", ("nurse",)))
    hall = house.hall(system("main"))
    for body in bodies():
        kind, id = str(body["resourceType"]), str(body["id"])
        hall.record.write([Change("update", kind, id, json.dumps(body, ensure_ascii=False).encode(), make=True)])
    changed = {**PATIENT, "telecom": [{"system": "phone", "value": "02-000-0000"}]}
    hall.record.write([Change("update", "Patient", "p1", json.dumps(changed, ensure_ascii=False).encode())])
    hall.record.write([Change("delete", "Observation", "o5")])
    hall.record.write([Change("erase", "Patient", "p2")])
    hall.blobs.put([b"made-up pixels" * 100], patient="p1")
    home = house.seat("main").home
    home.wait(home.tip())
    hall.record.read("Patient", "p1")
    house.catch_up("main")
    house.close()


def main() -> int:
    """Write tests/fixtures/store-VERSION.tar.xz, unless it is there."""
    target = FIXTURES / f"store-{sys.argv[1]}.tar.xz"
    if target.exists():
        print(f"{target.name} is there; a release's store is never made again", file=sys.stderr)
        return 1
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder))
        with tarfile.open(target, "w:xz") as archive:
            for name in ("home", "keys", "witness"):
                archive.add(Path(folder) / name, name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
