"""`ViewDefinition/$viewdefinition-run` (SQL on FHIR v2): a view over the lake, or over resources in the request, as a file.

A stored ViewDefinition is a Library (decision 0186): it is named by `viewReference`, or by the address of the Library.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec

from onmaru.fhir.columnar import read
from onmaru.fhir.outcome import Invalid, invalid
from onmaru.fhir.search import parse as parse_search
from onmaru.fhir.structure import admit
from onmaru.fhir.views import ViewDefinition, parse
from onmaru.kernel import tabular
from onmaru.kernel.entry import ID
from onmaru.kernel.room import Hall, Request, Response
from onmaru.kernel.views import MOST, Begun, Narrowed, over_given, over_lake, permit
from onmaru.web.fhir.negotiation import check_content
from onmaru.web.fhir.operations.given import Given

DEFINITION = "http://sql-on-fhir.org/OperationDefinition/$viewdefinition-run"
NAMES = frozenset({"$viewdefinition-run", "$run"})
SHAPES: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("ViewDefinition/$viewdefinition-run", ("GET", "POST"), ("ViewDefinition",)),
    ("ViewDefinition/$run", ("GET", "POST"), ("ViewDefinition",)),
    ("T/I/$viewdefinition-run", ("GET", "POST"), ("Library",)),
)
PARAMETERS = frozenset(
    {"_format", "header", "viewReference", "viewResource", "patient", "resource", "_limit", "_since", "group", "source"}
)
VIEW = {"system": "urn:onmaru:library", "code": "view-definition"}
_MEDIA = {media.partition(";")[0]: form for form, media in tabular.MEDIA.items()} | {
    "application/fhir+json": "json",
    "application/octet-stream": "parquet",
    "application/vnd.apache.arrow.file": "arrow",
}


def run(request: Request, hall: Hall) -> Response:
    """GET or POST. 400 for a wrong request, 422 for a wrong view, 403 for who may not ask the lake."""
    permit(hall.lake)
    asked = _given(request)
    form = _form(request, asked)
    view = _view(request, asked, hall)
    wanted = Narrowed(_patients(asked), asked.number("_limit", MOST, MOST))
    view = _since(view, asked)
    resources = asked.values.get("resource")
    begun = over_given(hall.lake, view, resources, wanted) if resources else over_lake(hall.lake, view, wanted)
    header = asked.flag("header", default=True)
    return Response(200, partial(_written, begun, form, header), tabular.MEDIA[form])


def _written(begun: Begun, form: str, header: bool) -> bytes:
    table, _ = begun()
    return tabular.written(table, form, header=header)


def _given(request: Request) -> Given:
    found: dict[str, list[Any]] = {}
    for name, value in request.query:
        found.setdefault(name, []).append(value)
    if request.body:
        check_content(request.headers)
        admit(request.body, "Parameters", deep=False)
        for one in read(request.body).get("parameter", ()):
            value = next((one[key] for key in one if key.startswith("value")), one.get("resource"))
            found.setdefault(one["name"], []).append(value)
    unknown = sorted(found.keys() - PARAMETERS)
    if unknown:
        raise invalid("not-supported", "not a parameter of this operation", unknown[0])
    for name in ("group", "source"):
        if name in found:
            raise invalid("not-supported", "this parameter is not supported", name)
    return Given(found)


def _form(request: Request, asked: Given) -> str:
    """The format asked for; `_format` goes before Accept, JSON is given where neither says one."""
    named = asked.text("_format").partition(";")[0].strip().replace(" ", "+")
    if named:
        form = named if named in tabular.MEDIA else _MEDIA.get(named, "")
        if not form:
            raise invalid("not-supported", f"the formats are {', '.join(tabular.MEDIA)}", "_format")
        return form
    accepted = [part.partition(";")[0].strip().lower() for part in request.headers.get("accept", "").split(",")]
    return next((_MEDIA[one] for one in accepted if one in _MEDIA), "json")


def _patients(asked: Given) -> tuple[str, ...]:
    found = []
    for value in asked.values.get("patient", ()):
        text = value.get("reference") if isinstance(value, dict) else value
        id = str(text).removeprefix("Patient/")
        if not ID.fullmatch(id):
            raise invalid("value", "a patient is named as Patient/id", "patient")
        found.append(id)
    return tuple(found)


def _since(view: ViewDefinition, asked: Given) -> ViewDefinition:
    if not asked.span("_since"):
        return view
    moment = asked.text("_since").replace(" ", "+")
    condition = (f"meta.lastUpdated > @{moment}", "_since")
    return msgspec.structs.replace(view, where=(*view.where, condition))


def _view(request: Request, asked: Given, hall: Hall) -> ViewDefinition:
    """The view that is named or given, read and checked."""
    inline = asked.values.get("viewResource", [])
    named = [_reference(value) for value in asked.values.get("viewReference", ())]
    if "id" in request.params:
        named.append(f"Library/{request.params['id']}")
    if len(inline) + len(named) != 1:
        raise invalid("required", "exactly one of viewReference and viewResource is needed", "viewResource")
    definition = inline[0] if inline else _stored(named[0], hall)
    try:
        return parse(definition)
    except Invalid as error:
        issues = [msgspec.structs.replace(one, expression=f"viewResource.{one.expression}") for one in error.issues]
        raise Invalid(issues if inline else error.issues, 422) from None


def _reference(value: Any) -> str:
    text = value.get("reference") if isinstance(value, dict) else value
    if not isinstance(text, str) or not text:
        raise invalid("value", "a view is named by a reference", "viewReference")
    return text


def _stored(named: str, hall: Hall) -> Mapping[str, Any]:
    """The definition in a Library of the record: by `Library/id`, or by its canonical url."""
    type, _, id = named.partition("/")
    if type in ("Library", "ViewDefinition") and ID.fullmatch(id):
        return held(hall.record.read("Library", id).body or b"{}")
    url, _, version = named.partition("|")
    pairs = [("url", url), *([("version", version)] if version else []), ("_count", "2")]
    found = hall.record.search(parse_search(("Library",), pairs)).matches
    if not found:
        raise invalid("not-found", "no such ViewDefinition", "viewReference", 404)
    return held(found[0].body or b"{}")


def held(library: bytes) -> Mapping[str, Any]:
    """The ViewDefinition that a Library holds; `Invalid` 422 where it holds none."""
    for content in msgspec.json.decode(library).get("content", ()):
        if str(content.get("contentType", "")).partition(";")[0] in ("application/json", "application/fhir+json"):
            try:
                found = read(base64.b64decode(content.get("data", ""), validate=False))
            except (binascii.Error, msgspec.DecodeError, UnicodeDecodeError):
                break
            if isinstance(found, dict):
                return found
    raise invalid("invalid", "the Library holds no ViewDefinition as JSON", "viewReference", 422)
