"""Whether the record holds what the simulated hospital sent: every count and identity beside the ledger's, by number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from onmaru.fhir import search
from onmaru.kernel.record import Record, pages
from onmaru.simulate import Truth
from onmaru.simulate.systems import MRN, VISIT, oid

CLASSES = {"O": "AMB", "E": "EMER", "I": "IMP"}
Json = dict[str, Any]


def everything(record: Record, type: str) -> Iterator[Json]:
    """Every current resource of a type."""
    query = search.parse((type,), [("_count", "500"), ("_total", "none")])
    for page in pages(record, query):
        for version in page.matches:
            yield msgspec.json.decode(version.body or b"{}")


def number(resource: Json, arc: str) -> str:
    """The identifier of that system, "" without one."""
    return next((one["value"] for one in resource.get("identifier", []) if one.get("system") == oid(arc)), "")


class Agreement:
    """Compares a record with a ledger; `found` counts what is stored, `disagreements` names each difference."""

    def __init__(self, record: Record, truth: Truth) -> None:
        self._record = record
        self._truth = truth
        self.found: dict[str, int] = {}
        self.disagreements: list[str] = []
        self.patients = {one["id"]: one for one in everything(record, "Patient")}
        self._numbers = {id: number(one, MRN) for id, one in self.patients.items()}

    def compare(self) -> None:
        """Look at everything the ledger tells of."""
        self._identities()
        self._merges()
        self._stays()
        truth = self._truth
        for name, type, counts, mine in (
            ("observations", "Observation", truth.observations, _any),
            ("conditions", "Condition", truth.conditions, _any),
            ("documents", "DocumentReference", truth.documents, _clinical),
            ("prescriptions as ordered", "MedicationRequest", truth.prescriptions, _ordered),
            ("prescriptions as encoded", "MedicationRequest", truth.prescriptions, _encoded),
            ("administrations", "MedicationAdministration", truth.administrations, _any),
            ("answers", "QuestionnaireResponse", truth.answers, _any),
            ("appointments", "Appointment", truth.appointments, _any),
            ("allergies", "AllergyIntolerance", truth.allergies, _any),
        ):
            self._counts(name, type, counts, mine)

    def _say(self, text: str) -> None:
        self.disagreements.append(text)

    def _same(self, what: str, sent: object, stored: object) -> None:
        if sent != stored:
            self._say(f"{what}: {sent} sent, {stored} stored")

    def _identities(self) -> None:
        stored = Counter(self._numbers.values())
        self.found["patients"] = len(self.patients)
        self._same("patients", sorted(self._truth.patients), sorted(stored.elements()))
        for id, one in self.patients.items():
            who = self._truth.patients.get(self._numbers[id])
            if who is None:
                continue
            mrn = self._numbers[id]
            official: Json = next((name for name in one["name"] if name.get("use") == "official"), {})
            # The values themselves stay out of what is printed.
            for what, right in (
                ("name", official.get("family", "") + "".join(official.get("given", [])) == who.name),
                ("birth date", one.get("birthDate") == who.birth),
                ("sex", one.get("gender") == {"M": "male", "F": "female"}[who.sex]),
                ("death", dead(one) == (mrn in self._truth.deceased)),
            ):
                if not right:
                    self._say(f"patient {mrn}: {what} is not what was sent")

    def _merges(self) -> None:
        linked = {}
        for id, one in self.patients.items():
            for link in one.get("link", []):
                if link["type"] == "replaced-by":
                    linked[self._numbers[id]] = self._numbers.get(link["other"]["reference"].split("/")[-1], "")
        self.found["merges"] = len(linked)
        self._same("merges", self._truth.merged, linked)

    def _stays(self) -> None:
        stored = {number(one, VISIT): one for one in everything(self._record, "Encounter")}
        self.found["encounters"] = len(stored)
        self._same("encounters", sorted(self._truth.stays), sorted(stored))
        for visit, stay in self._truth.stays.items():
            one = stored.get(visit)
            if one is not None:
                self._same(f"encounter {visit} status", stay.status, one["status"])
                self._same(f"encounter {visit} class", CLASSES[stay.kind], one["class"]["code"])
                self._same(f"encounter {visit} patient", self._kept(stay.mrn), self._whose(one))

    def _counts(self, name: str, type: str, counts: Mapping[str, int], mine: Callable[[Json], bool]) -> None:
        sent = self._truth.folded(counts)
        stored = Counter(self._whose(one) for one in everything(self._record, type) if mine(one))
        self.found[name] = stored.total()
        for mrn in sorted({*sent, *stored}):
            self._same(f"{name} of {mrn or 'nobody'}", sent.get(mrn, 0), stored.get(mrn, 0))

    def _kept(self, mrn: str) -> str:
        return self._truth.merged.get(mrn, mrn)

    def _whose(self, resource: Json) -> str:
        """The surviving number of the patient a resource is about, "" when it is about nobody."""
        actors = [one.get("actor", {}) for one in resource.get("participant", [])]
        for one in (resource.get("subject", {}), resource.get("patient", {}), *actors):
            reference = one.get("reference", "")
            if reference.startswith("Patient/"):
                return self._kept(self._numbers.get(reference.split("/")[1], ""))
        return ""


def _any(resource: Json) -> bool:
    return True


def _ordered(resource: Json) -> bool:
    """The prescriber's own order (RXO; the v2-to-FHIR tables' original-order)."""
    return bool(resource["intent"] == "original-order")


def _encoded(resource: Json) -> bool:
    """What the pharmacy made of it (RXE; filler-order)."""
    return bool(resource["intent"] == "filler-order")


def _clinical(resource: Json) -> bool:
    """A document of the hospital, not a message kept as evidence."""
    codings = [one for kind in resource.get("category", []) for one in kind.get("coding", [])]
    return not any(one.get("system") == "urn:onmaru:document" for one in codings)


def dead(patient: Json) -> bool:
    """Whether the record says that somebody has died."""
    return bool(patient.get("deceasedBoolean")) or "deceasedDateTime" in patient
