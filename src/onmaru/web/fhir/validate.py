"""`$validate` (R4 resource-operation-validate): type and instance level, a resource or Parameters; it writes nothing.

The answer is 200 with an OperationOutcome whether the resource is valid or not; 4xx says that it could not be asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

import msgspec

from onmaru.fhir import structure
from onmaru.fhir.outcome import Issue, invalid, outcome
from onmaru.fhir.profiles.validator import Wanted, validated
from onmaru.fhir.profiles.visit import Language, strings
from onmaru.kernel.entry import id_within
from onmaru.kernel.room import Hall, Request, Response
from onmaru.web.answers import FHIR
from onmaru.web.fhir.negotiation import check_content

MODES = ("create", "update", "delete", "profile")
_MEMBERS = {"mode": ("valueCode", "valueString"), "profile": ("valueUri", "valueCanonical", "valueUrl", "valueString")}


class Asked(msgspec.Struct):
    """What is to be validated: `resource` b"" where only an instance was named."""

    resource: bytes = b""
    mode: str = ""
    profiles: list[str] = []


def validate(request: Request, hall: Hall) -> Response:
    """`POST Type/$validate`."""
    asked = _asked(request)
    if asked.mode == "delete":
        raise invalid("invalid", "mode delete is for an instance: Type/id/$validate", "mode")
    if not asked.resource:
        raise invalid("required", "there is no resource to validate", "resource")
    return _answer(request, hall, asked, [])


def validate_stored(request: Request, hall: Hall) -> Response:
    """`GET` or `POST Type/id/$validate`: the resource given as the next version of this one, or the stored one itself."""
    asked = _asked(request)
    type_name, id = request.params["type"], request.params["id"]
    if asked.mode == "create":
        raise invalid("invalid", "mode create is for a type: Type/$validate", "mode")
    more: list[Issue] = []
    if asked.mode == "delete" or not asked.resource:
        stored = hall.record.read(type_name, id).body or b""
        if asked.mode == "delete":
            return Response(200, outcome([_clean(hall.language)]), FHIR)
        asked.resource = stored
    elif id_within(asked.resource) != id:
        more.append(Issue("invalid", "id in the body and of the resource differ or are missing", f"{type_name}.id"))
    return _answer(request, hall, asked, more)


def _answer(request: Request, hall: Hall, asked: Asked, more: Sequence[Issue]) -> Response:
    """In a worker thread: the definitions are the tenant's as they stand now, and nothing of the record is read."""
    wanted = Wanted(request.params["type"], asked.profiles, datetime.now(UTC), hall.language)
    check = partial(validated, asked.resource, hall.rules.library, wanted)
    return Response(200, lambda: outcome([*more, *check()] or [_clean(hall.language)]), FHIR)


def _clean(language: Language) -> Issue:
    return Issue("informational", strings(language)["clean"], severity="information")


def _asked(request: Request) -> Asked:
    """The query's parameters, then those of the body, which is the resource itself or Parameters with it."""
    asked = Asked()
    for name, value in request.query:
        _add(asked, name, value)
    if request.body:
        check_content(request.headers)
        _read(asked, request.body, request.params["type"])
    if asked.mode and asked.mode not in MODES:
        raise invalid("value", f"one of {', '.join(MODES)}", "mode")
    return asked


def _add(asked: Asked, name: str, value: str) -> None:
    if name == "mode":
        asked.mode = value
    elif name == "profile":
        asked.profiles.append(value)


def _read(asked: Asked, body: bytes, type_name: str) -> None:
    if structure.type_of(body) != "Parameters":
        asked.resource = body
        return
    # Resources inside are what is asked about: their own problems are the answer, and no refusal
    _, parameters = structure.admit(body, "Parameters", deep=False)
    listed = parameters.parameter or ()
    given = [bytes(one.resource) for one in listed if one.name == "resource" and one.resource is not None]
    if not given and type_name == "Parameters":
        asked.resource = body
        return
    for number, one in enumerate(listed):
        if one.name in _MEMBERS:
            value = next((v for m in _MEMBERS[one.name] if (v := getattr(one, m, None)) is not None), None)
            if value is None:
                raise invalid("value", f"{one.name} is a {_MEMBERS[one.name][0]}", f"Parameters.parameter[{number}]")
            _add(asked, one.name, value)
    asked.resource = given[0] if given else b""
