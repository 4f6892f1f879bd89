"""The terminology service over HTTP: GET and POST, on a type and on an instance (terminology-service.html).

Codes name no patient, but who may not read code systems is not told what is in them either: type level needs that scope.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import msgspec

from onmaru import __version__
from onmaru.fhir.outcome import invalid
from onmaru.fhir.terminology import validate_code
from onmaru.fhir.terminology.asked import OPERATIONS, Asked, asked
from onmaru.fhir.terminology.concept_map import Translation, concept_map
from onmaru.fhir.terminology.expansion import Expanding
from onmaru.fhir.terminology.listed import read
from onmaru.fhir.terminology.lookup import lookup
from onmaru.fhir.terminology.subsumes import subsumes
from onmaru.fhir.terminology.terminology import Terminology
from onmaru.fhir.terminology.translate import translate
from onmaru.fhir.terminology.value_set import value_set
from onmaru.kernel.caller import Scope
from onmaru.kernel.room import Hall, Request, Response
from onmaru.web.answers import FHIR
from onmaru.web.entrance import deny
from onmaru.web.fhir.negotiation import check_content
from onmaru.web.visit import Visit

# The day on which this service last changed
DATE = "2026-11-23"
NAMES = frozenset(operation.partition("/")[2] for operation in OPERATIONS)
# An instance says itself what these would name
_OWN = {"ValueSet": ("url", "valueSet", "valueSetVersion"), "CodeSystem": ("url", "system", "codeSystem", "version")}
_OWN["ConceptMap"] = ("url", "conceptMap", "conceptMapVersion")


def permit(visit: Visit, path: str) -> None:
    """Refuse, with an audit row, whoever may not read the type that an operation is on."""
    type_name, _, name = path.partition("/")
    _, caller = visit.known()
    if name in NAMES and not _open(caller.scopes, type_name):
        deny(visit, "scope")
        raise invalid("forbidden", "not permitted: scope", status=403)


def on_type(request: Request, hall: Hall) -> Response:
    """`CodeSystem/$lookup` and the like. What was asked of the same definitions before is answered as it was then."""
    scopes, type_name = hall.caller.scopes, request.params["type"]
    if not _open(scopes, type_name):
        raise invalid("forbidden", "not permitted: scope", status=403)
    terms = hall.rules.terms if _whole(scopes, type_name) else hall.rules.shared_terms
    if request.body:
        return _answered(request, hall, terms)
    asked_before = (type_name, request.params["operation"], hall.language, *request.query)
    known = terms.remembered.get(asked_before)
    if known is None:
        answer = _answered(request, hall, terms)
        if isinstance(answer.body, bytes):
            terms.remember(asked_before, answer.body)
        return answer
    return Response(200, known, FHIR)


def _answered(request: Request, hall: Hall, terms: Terminology) -> Response:
    name = request.params["operation"]
    question = _question(name, request)
    if name == "$validate-code":
        if request.params["type"] == "CodeSystem" and question.get("codeSystem") is None:
            return _told(validate_code.in_system(terms, question, hall.language))
        if terms.settled(validate_code.named(question)) and question.get("valueSet") is None:
            return _told(validate_code.in_set(terms, question, hall.language))
    if name in _QUICK:
        return _told(_QUICK[name](terms, question))
    return _later(_ANSWERS[f"{request.params['type']}/{name}"], terms, question, hall, None)


def on_instance(request: Request, hall: Hall) -> Response:
    """`ValueSet/id/$expand` and the like: the definition is the one stored, whatever others have its url."""
    name = request.params["operation"]
    question = _question(name, request)
    type_name = request.params["type"]
    if name == "$lookup":
        raise invalid("not-supported", "this operation is on the type: CodeSystem/$lookup", status=404)
    question.refuse(*_OWN[type_name])
    stored = hall.record.read(type_name, request.params["id"]).body
    return _later(
        _ANSWERS[f"{type_name}/{name}"], hall.rules.terms, question, hall, msgspec.json.decode(stored or b"{}")
    )


def _open(scopes: Iterable[Scope], type_name: str) -> bool:
    return any(one.type in (type_name, "*") and not one.verbs.isdisjoint("rs") for one in scopes)


def _whole(scopes: Iterable[Scope], type_name: str) -> bool:
    """Whether the record's definitions are open to a caller: a patient's scopes, and narrowed ones, do not reach them."""
    return any(
        one.context != "patient" and not one.search and one.type in (type_name, "*") and not one.verbs.isdisjoint("rs")
        for one in scopes
    )


def _question(name: str, request: Request) -> Asked:
    operation = f"{request.params['type']}/{name}"
    if operation not in OPERATIONS:
        raise invalid("not-supported", "this operation is not supported", status=404)
    if request.body:
        check_content(request.headers)
    return asked(operation, request.query, request.body)


Answer = Callable[[Terminology, Asked, Hall, Any], dict[str, Any]]


def _later(answer: Answer, terms: Terminology, question: Asked, hall: Hall, instance: Any) -> Response:
    """In a worker thread, since it may take its time; nothing of the record is read there."""
    return Response(200, lambda: msgspec.json.encode(answer(terms, question, hall, instance)), FHIR)


def _told(answer: dict[str, Any]) -> Response:
    return Response(200, msgspec.json.encode(answer), FHIR)


def _in_system(terms: Terminology, question: Asked, hall: Hall, instance: Any) -> dict[str, Any]:
    return validate_code.in_system(terms, question, hall.language, read(instance) if instance is not None else None)


def _in_set(terms: Terminology, question: Asked, hall: Hall, instance: Any) -> dict[str, Any]:
    found = value_set(instance) if instance is not None else None
    return validate_code.in_set(terms, question, hall.language, found)


def _expand(terms: Terminology, question: Asked, hall: Hall, instance: Any) -> dict[str, Any]:
    found = value_set(instance) if instance is not None else None
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Expanding(terms, question, found).expanded(f"urn:uuid:{uuid4()}", now)


def _subsumes(terms: Terminology, question: Asked, hall: Hall, instance: Any) -> dict[str, Any]:
    return subsumes(terms, question, read(instance))


def _translate(terms: Terminology, question: Asked, hall: Hall, instance: Any) -> dict[str, Any]:
    found = Translation(concept_map(instance)) if instance is not None else None
    return translate(terms, question, hall.language, found)


_QUICK: Mapping[str, Callable[[Terminology, Asked], dict[str, Any]]] = {"$lookup": lookup, "$subsumes": subsumes}
_ANSWERS: Mapping[str, Answer] = {
    "CodeSystem/$validate-code": _in_system,
    "CodeSystem/$subsumes": _subsumes,
    "ValueSet/$validate-code": _in_set,
    "ValueSet/$expand": _expand,
    "ConceptMap/$translate": _translate,
}


def terminology(base: str) -> bytes:
    """The TerminologyCapabilities of `metadata?mode=terminology`, which anybody may read: nothing of any tenant."""
    told = {
        "resourceType": "TerminologyCapabilities",
        "status": "active",
        "date": DATE,
        "kind": "instance",
        "software": {"name": "Onmaru", "version": __version__},
        "implementation": {"description": "Onmaru hospital record", "url": base},
        "expansion": {
            "hierarchical": True,
            "paging": True,
            "incomplete": False,
            "parameter": [{"name": name} for name in OPERATIONS["ValueSet/$expand"]],
            "textFilter": "Every word begins a word of the code, a display or a designation; Hangul may lie inside one.",
        },
        "codeSearch": "all",
        "validateCode": {"translations": True},
        "translation": {"needsMap": False},
    }
    return msgspec.json.encode(told)


def operations(type_name: str) -> list[dict[str, str]]:
    """What a CapabilityStatement says of a type."""
    return [
        {"name": name[1:], "definition": f"http://hl7.org/fhir/OperationDefinition/{type_name}-{name[1:]}"}
        for each, name in (operation.split("/") for operation in OPERATIONS)
        if each == type_name
    ]
