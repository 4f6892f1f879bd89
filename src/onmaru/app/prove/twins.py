"""Two records of one hospital: in one of them what a caller may not see was never written. Every answer must be the same.

What is hidden is told here by plain rules over how the world is made, never by the gate.
"""

from __future__ import annotations

import base64
import json
import random
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, NamedTuple
from urllib.parse import quote

from onmaru.kernel.record import Change

Asker = Literal["physician", "data-manager"]
PURPOSES: dict[Asker, str] = {"physician": "TREAT", "data-manager": "HRESCH"}
CONF = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
LOINC = "http://loinc.org"
CODES = ("8867-4", "8310-5", "718-7", "2345-7")
DENIED_CODE = "718-7"
# Labels, and from whom each hides what bears it
MARKS: Sequence[tuple[str, str, frozenset[str]]] = (
    (CONF, "V", frozenset({"physician", "data-manager"})),
    (CONF, "R", frozenset({"data-manager"})),
    (ACT, "SUD", frozenset({"data-manager"})),
    (CONF, "L", frozenset()),
)
# How patients are hidden, in turn
KINDS = ("closed", "part", "vip", "marked", "open", "open")
# A list of patients whom anybody may see, and how many of the questions are an export
GROUP = "g0"
EXPORTS = 0.01
# Views of the lake that anybody may see, by the type whose rows they give
VIEWS = {"Patient": "gender", "Observation": "status", "Condition": "recordedDate", "Encounter": "status"}
FAMILIES = ("김", "이", "박", "최", "Kim", "Müller", "O'Neil", "정")


class Fact(NamedTuple):
    """One version to write: `hidden` from whom. Versions of one resource are all hidden or none."""

    change: Change
    hidden: frozenset[str]


def charts(numbers: Iterable[int], seed: int) -> list[Fact]:
    """The charts of these patients: some closed by a Consent, some in part, some marked, most open."""
    chance = random.Random(seed)  # noqa: S311 - a made-up hospital
    made: list[Fact] = []
    for number in numbers:
        made += _Patient(chance, number).facts()
    chance.shuffle(made)
    return made


def world(patients: int, seed: int) -> list[Fact]:
    """A hospital of that many patients."""
    made = charts(range(patients), seed)
    made.sort(key=lambda fact: fact.change.op == "delete")
    views = [Fact(_view(type, column), NOBODY) for type, column in VIEWS.items()]
    return [*made, Fact(_group(patients), NOBODY), *views] if patients >= len(KINDS) else made


def _view(type: str, column: str) -> Change:
    """A Library that holds a view: a row a resource, with whose it is."""
    whose = "getResourceKey()" if type == "Patient" else "subject.getReferenceKey(Patient)"
    columns = [
        {"name": "key", "path": "getResourceKey()"},
        {"name": "whose", "path": whose},
        {"name": "said", "path": column},
    ]
    view = {
        "resourceType": "ViewDefinition",
        "name": f"of_{type.lower()}",
        "resource": type,
        "select": [{"column": columns}],
    }
    content = {"contentType": "application/json", "data": base64.b64encode(json.dumps(view).encode()).decode()}
    body = {"status": "active", "type": {"text": "view"}, "content": [content]}
    raw = json.dumps({"resourceType": "Library", "id": f"of-{type}", **body}).encode()
    return Change("update", "Library", f"of-{type}", raw)


def _group(patients: int) -> Change:
    """A Group of all who are open; it names nobody who is hidden."""
    seen = [f"Patient/p{number}" for number in range(patients) if KINDS[number % len(KINDS)] == "open"]
    members = [{"entity": {"reference": name}} for name in seen]
    body = {"resourceType": "Group", "id": GROUP, "type": "person", "actual": True, "member": members}
    return Change("update", "Group", GROUP, json.dumps(body).encode())


EVERYBODY = frozenset(PURPOSES)
NOBODY: frozenset[str] = frozenset()


class _Patient:
    def __init__(self, chance: random.Random, number: int) -> None:
        self.chance = chance
        self.id = f"p{number}"
        self.kind = KINDS[number % len(KINDS)]
        self.subject = {"reference": f"Patient/{self.id}"}

    def facts(self) -> Iterator[Fact]:
        """The whole chart."""
        family = self.chance.choice(FAMILIES)
        body: dict[str, Any] = {
            "name": [{"family": family, "given": [f"길동{self.id}"]}],
            "gender": self.chance.choice(["male", "female"]),
            "birthDate": f"19{self.chance.randint(30, 99)}-0{self.chance.randint(1, 9)}-11",
            "identifier": [{"system": "urn:mrn", "value": self.id}],
        }
        if self.kind == "vip":
            body["meta"] = _marked(CONF, "V")
        yield self._fact("Patient", self.id, body)
        if self.kind in ("closed", "part"):
            yield self._fact("Consent", f"c-{self.id}", self._consent())
        for number in range(2):
            yield self._fact("Encounter", f"e{number}-{self.id}", self._encounter(number))
        for number in range(6):
            yield from self._observation(number)
        for number in range(2):
            yield self._fact("Condition", f"d{number}-{self.id}", self._condition(), part=True)
        yield self._inherits("Provenance", f"v-{self.id}", _provenance(f"Observation/o0-{self.id}"))
        entry = [{"item": {"reference": f"Condition/d0-{self.id}"}}]
        yield self._inherits("List", f"l-{self.id}", {"status": "current", "mode": "working", "entry": entry})

    def _fact(
        self, type: str, id: str, body: dict[str, Any], *, part: bool = False, mark: frozenset[str] = NOBODY
    ) -> Fact:
        whole = self.kind in ("closed", "vip") or (self.kind == "part" and part)
        raw = json.dumps({"resourceType": type, "id": id, **body}, ensure_ascii=False).encode()
        return Fact(Change("update", type, id, raw), EVERYBODY if whole else mark)

    def _inherits(self, type: str, id: str, body: dict[str, Any]) -> Fact:
        """What does not say whose it is: hidden with any part of the chart."""
        return self._fact(type, id, body, part=True)

    def _consent(self) -> dict[str, Any]:
        denied: dict[str, Any] = {"type": "deny", "purpose": [{"code": "TREAT"}, {"code": "HRESCH"}]}
        by_code = {**denied, "code": [{"coding": [{"system": LOINC, "code": DENIED_CODE}]}]}
        by_class = {**denied, "class": [{"system": "http://hl7.org/fhir/resource-types", "code": "Condition"}]}
        return {
            "status": "active",
            "scope": {"coding": [{"code": "patient-privacy"}]},
            "category": [{"text": "x"}],
            "policy": [{"uri": "urn:hospital"}],
            "patient": self.subject,
            "provision": denied if self.kind == "closed" else {"type": "permit", "provision": [by_code, by_class]},
        }

    def _encounter(self, number: int) -> dict[str, Any]:
        period = {"start": f"2026-0{number + 1}-01T09:00:00+09:00", "end": f"2026-0{number + 1}-05T09:00:00+09:00"}
        return {"status": "finished", "class": {"code": "IMP"}, "subject": self.subject, "period": period}

    def _observation(self, number: int) -> Iterator[Fact]:
        """One Observation, perhaps marked; every third is written twice, and then marked the second time."""
        code = self.chance.choice(CODES)
        body: dict[str, Any] = {
            "status": "final",
            "code": {"coding": [{"system": LOINC, "code": code}]},
            "subject": self.subject,
            "encounter": {"reference": f"Encounter/e{number % 2}-{self.id}"},
            "effectiveDateTime": f"2026-0{number + 1}-0{self.chance.randint(1, 9)}",
            "valueQuantity": {"value": self.chance.randint(1, 300), "unit": "mg", "code": "mg"},
        }
        mark, hidden = {}, NOBODY
        if self.kind == "marked" and self.chance.random() < 0.5:
            system, label, hidden = self.chance.choice(MARKS)
            mark = {"meta": _marked(system, label)}
        id, part = f"o{number}-{self.id}", code == DENIED_CODE
        last = self._fact("Observation", id, {**body, **mark, "status": "amended"}, part=part, mark=hidden)
        if number % 3 == 0:
            first = self._fact("Observation", id, body, part=part)
            yield Fact(_both(first.change, last.change), last.hidden)
        else:
            yield last
        if number == 5:
            yield Fact(Change("delete", "Observation", id), last.hidden)

    def _condition(self) -> dict[str, Any]:
        coding = {"system": "urn:kcd", "code": self.chance.choice(["E11", "I10", "F10"])}
        return {"subject": self.subject, "code": {"coding": [coding]}, "recordedDate": "2026-02-03"}


def _both(first: Change, second: Change) -> Change:
    """Two versions that come right after one another, carried as one item of a shuffled world."""
    return Change("update", first.type, first.id, first.body + b"\n" + second.body)


def _marked(system: str, code: str) -> dict[str, Any]:
    return {"security": [{"system": system, "code": code}]}


def _provenance(target: str) -> dict[str, Any]:
    agent = [{"who": {"display": "x"}}]
    return {"target": [{"reference": target}], "recorded": "2026-01-01T00:00:00Z", "agent": agent}


def changes(facts: Sequence[Fact], without: Asker | None) -> Iterator[Change]:
    """What is written, in order; `without`: nothing that is hidden from this asker."""
    for fact in facts:
        if without is None or without not in fact.hidden:
            bodies = fact.change.body.split(b"\n")
            yield from (Change(fact.change.op, fact.change.type, fact.change.id, body) for body in bodies)


class Questions:
    """Random requests over every path of reading, about what is there, what is hidden and what never was."""

    def __init__(self, facts: Sequence[Fact], seed: int, rooms: bool) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - questions, no secrets
        self._names = [*sorted({(fact.change.type, fact.change.id) for fact in facts}), ("Patient", "none")]
        self._kinds = [self._search] * 6 + [self._read] * 2 + [self._history, self._everything]
        self._kinds += [self._marks]
        self._kinds += [*[self._journey] * 3, self._table] if rooms else []
        self._rooms = rooms

    def __iter__(self) -> Iterator[str]:
        while True:
            # An export is of everything, and takes as long as many others
            wholesale = self._rooms and self._chance.random() < EXPORTS
            yield self._export() if wholesale else self._chance.choice(self._kinds)()

    def _name(self, type: str = "") -> tuple[str, str]:
        return self._chance.choice([one for one in self._names if type in ("", one[0])])

    def _id(self, type: str) -> str:
        return self._name(type)[1]

    def _read(self) -> str:
        type, id = self._name()
        version = self._chance.choice(["", "", "/_history/1", "/_history/2", "/$meta"])
        return f"/fhir/{type}/{id}{version}"

    def _history(self) -> str:
        type, id = self._name()
        return "/fhir" + self._chance.choice([f"/{type}/{id}", f"/{type}", ""]) + "/_history?_count=30"

    def _everything(self) -> str:
        return f"/fhir/Patient/{self._id('Patient')}/$everything?_count=100"

    def _marks(self) -> str:
        return f"/fhir{self._chance.choice(['', '/Patient', '/Observation', '/List'])}/$meta"

    def _table(self) -> str:
        type = self._chance.choice(sorted(VIEWS))
        narrowed = self._chance.choice(["", f"&patient=Patient/{self._id('Patient')}"])
        return f"/fhir/Library/of-{type}/$viewdefinition-run?_format=ndjson{narrowed}"

    def _journey(self) -> str:
        chance = self._chance
        id = self._id("Patient")
        path = chance.choice(["", f"/{id}/summary", f"/{id}/timeline", f"/{id}/items", f"/{id}/document"])
        return f"/rooms/journey/patients{path}" + (f"?q={quote(chance.choice(FAMILIES))}" if not path else "")

    def _export(self) -> str:
        chance = self._chance
        pairs = [
            f"_type={chance.choice(['Patient', 'Observation,Condition', 'Patient,Provenance,List,Encounter'])}",
            f"_typeFilter={quote(chance.choice(['Observation?code=718-7', 'Condition?code=F10', 'Patient?gender=male']))}",
            "_since=2026-01-01T00:00:00Z",
            "_elements=id,subject",
            "includeAssociatedData=LatestProvenanceResources",
        ]
        level = chance.choice(["$export", "Patient/$export", f"Group/{GROUP}/$export"])
        return f"/fhir/{level}?" + "&".join(chance.sample(pairs, chance.randint(0, 2)))

    def _search(self) -> str:
        chance = self._chance
        type = chance.choice(
            ["Patient", "Observation", "Observation", "Condition", "Encounter", "Provenance", "List", "Consent"]
        )
        pairs = chance.sample(self._asked(type), chance.randint(0, 2)) + chance.sample(
            self._shown(type), chance.randint(0, 2)
        )
        return f"/fhir/{type}?" + "&".join(pairs)

    def _asked(self, type: str) -> list[str]:
        chance, common = (
            self._chance,
            [f"_id={self._id(type)},{self._id(type)}", f"_security={CONF}|V", "_security=SUD"],
        )
        if type == "Patient":
            return [
                *common,
                f"name={quote(chance.choice(FAMILIES))}",
                "gender=male",
                f"_has:Observation:patient:code={chance.choice(CODES)}",
                "_has:Condition:subject:code=E11",
                f"identifier=urn:mrn|{self._id('Patient')}",
                f"_has:Observation:patient:_security={CONF}|V",
            ]
        if type in ("Provenance", "List", "Consent"):
            more = {"Provenance": f"target=Observation/{self._id('Observation')}", "Consent": "status=active"}
            return [*common, more.get(type, f"item=Condition/{self._id('Condition')}")]
        special = {
            "Observation": [
                f"code={chance.choice(CODES)}",
                f"code:not={DENIED_CODE}",
                "value-quantity=gt100",
                "encounter.status=finished",
                f"encounter=e0-{self._id('Patient')}",
            ],
            "Condition": [f"code={chance.choice(['E11', 'I10', 'F10'])}"],
        }
        return [
            *common,
            f"patient={self._id('Patient')}",
            f"subject=Patient/{self._id('Patient')},Patient/{self._id('Patient')}",
            f"subject:Patient.name={quote(chance.choice(FAMILIES))}",
            f"patient.gender={chance.choice(['male', 'female'])}",
            *special.get(type, ()),
        ]

    def _shown(self, type: str) -> list[str]:
        sort = {"Patient": "birthdate", "Observation": "-date", "Condition": "code", "Encounter": "date"}.get(
            type, "_id"
        )
        more = {
            "Patient": "_revinclude=Observation:patient",
            "Observation": "_include=Observation:subject&_include=Observation:encounter",
            "Condition": "_include=Condition:subject",
            "Encounter": "_revinclude=Observation:encounter",
            "Provenance": "_include=Provenance:target",
            "List": "_include=List:item",
        }.get(type, "_count=1")
        return [f"_sort={sort}", "_count=7", "_total=accurate", "_summary=count", more, "_sort=-_lastUpdated"]


_TIMES = re.compile(
    rb'"(?:lastUpdated|lastModified|timestamp|generated|at|recorded_at|updated|valueInstant)":"[^"]*"|"t":\d+|"date":"[^"]*\.\d{6}Z"'
)
_CURSORS = re.compile(rb"(_cursor=|\"cursor\":\")[A-Za-z0-9_\-.=%]+")
_MADE = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def bare(body: bytes) -> bytes:
    """An answer without times, cursors and the ids that were made for it."""
    return _MADE.sub(b"", _CURSORS.sub(b"\\1", _TIMES.sub(b"", body)))
