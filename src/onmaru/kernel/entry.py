"""One Bundle.entry.request understood: which change it asks for, or which GET."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from typing import Literal
from urllib.parse import parse_qsl

import msgspec

from onmaru.fhir import verbatim
from onmaru.fhir.outcome import Invalid, Issue, invalid
from onmaru.fhir.query import Query
from onmaru.fhir.search import parse
from onmaru.fhir.structure import RESOURCE_TYPES, type_of
from onmaru.kernel.patching import FORMS, Patch
from onmaru.kernel.record import Change

ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_ETAG = re.compile(r'(?:W/)?"(\d{1,18})"')


class Item(msgspec.Struct, frozen=True):
    """Entry `number` of a Bundle. `change` is None for a GET of `url`, which is relative to the base.

    `patch`: what is to be made of the resource that `change` names, which is no change yet. `known`: the entity tags of
    what whoever asks with a GET has already.
    """

    number: int
    method: str
    url: str
    change: Change | None = None
    if_none_exist: str = ""
    patch: Patch | None = None
    known: str = ""


def item(number: int, entry: verbatim.Entry, update_create: bool, base: str) -> Item:
    """Understand one entry; `Invalid` (400) names the entry and the part of its request that cannot be used."""
    where = f"Bundle.entry[{number}]"
    url = _relative(entry.url or "", base, where)
    path, _, criteria = url.partition("?")
    if entry.method == "GET":
        return Item(number, "GET", url, known=entry.if_none_match)
    make = {"POST": _create, "PUT": _update, "DELETE": _delete, "PATCH": _update}.get(entry.method or "")
    if make is None:
        raise invalid(
            "not-supported", "this method is not taken; use GET, POST, PUT, PATCH or DELETE", f"{where}.request.method"
        )
    if entry.method != "DELETE" and entry.resource is None:
        raise invalid("required", "an entry to be written needs a resource", f"{where}.resource")
    try:
        patch = patch_of(entry) if entry.method == "PATCH" else None
        change = make(
            entry if patch is None else msgspec.structs.replace(entry, resource=None), path.split("/"), criteria
        )
    except Invalid as error:
        raise Invalid([Issue(i.code, i.text, f"{where}.request", i.severity) for i in error.issues], 400) from error
    if change.op == "update":
        change = msgspec.structs.replace(change, make=update_create)
    return Item(number, entry.method or "", url, change, (entry.if_none_exist or "").removeprefix("?"), patch)


class _Binary(msgspec.Struct):
    contentType: str = ""
    data: str = ""


def patch_of(entry: verbatim.Entry) -> Patch:
    """The patch of a PATCH entry (R4 http.html#transaction): a Parameters, or a Binary that holds one of another form."""
    raw = entry.resource or b""
    match = version_of(entry.if_match) if entry.if_match else None
    if type_of(raw) == "Parameters":
        return Patch("fhirpath", raw, match)
    held = msgspec.json.decode(raw, type=_Binary) if type_of(raw) == "Binary" else _Binary()
    form = FORMS.get(held.contentType.partition(";")[0].strip().lower())
    if form is None:
        raise invalid("value", f"a patch is a Parameters, or a Binary of {' or '.join(FORMS)}", "resource")
    return Patch(form, base64.b64decode(held.data), match)


def pairs_of(query: str, where: str = "") -> Sequence[tuple[str, str]]:
    """The name=value pairs of a url's query part; `Invalid` (400) when it is not percent-encoded UTF-8 or is too long."""
    if "%" not in query and "+" not in query and len(query) < 1_000:
        return [(name, value) for name, _, value in (part.partition("=") for part in query.split("&")) if name]
    try:
        return parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=500)
    except ValueError as error:
        raise invalid("value", "the query is not percent-encoded UTF-8 or has over 500 parts", where) from error


def criteria_of(type_name: str, pairs: Sequence[tuple[str, str]], base: str = "") -> Query:
    """The search of a conditional interaction; `Invalid` (400) without a single criterion, which would mean everything."""
    found = parse((type_name,), pairs, base=base)
    if not found.clauses:
        raise invalid("value", "a conditional interaction needs at least one search criterion")
    return found


def version_of(etag: str) -> int:
    """The version number of an If-Match value, `W/"3"` or `"3"`; `Invalid` (400) for any other."""
    found = _ETAG.fullmatch(etag.strip())
    if found is None:
        raise invalid("value", 'If-Match needs one version such as W/"3"')
    return int(found[1])


def absence(tags: str) -> bool:
    """Whether If-None-Match of an update lets it make alone (RFC 9110, 13.1.2); `Invalid` (400) for anything but `*`."""
    if tags.strip() != "*":
        raise invalid("value", "If-None-Match of a write is *: it then only makes what is not there")
    return True


class _Head(msgspec.Struct):
    id: str = ""


def id_within(body: bytes) -> str:
    """The id that a body to be matched by criteria brings along, "" for none; the body's soundness is judged later."""
    try:
        found = msgspec.json.decode(body, type=_Head).id
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise invalid("structure", "the body is not a JSON object with a string id") from error
    if found and not ID.fullmatch(found):
        raise invalid("value", "an id has 1 to 64 letters, digits, - and .", "id")
    return found


def _relative(url: str, base: str, where: str) -> str:
    if base and url.startswith(base + "/"):
        url = url[len(base) + 1 :]
    if "://" in url.partition("?")[0] or not url.strip("/"):
        raise invalid("value", "the url is missing or is not of this server", f"{where}.request.url")
    return url.lstrip("/")


def _create(entry: verbatim.Entry, path: list[str], criteria: str) -> Change:
    type_name = _type(path, 1)
    if criteria:
        raise invalid("value", "a create takes no query")
    condition = criteria_of(type_name, pairs_of(entry.if_none_exist.removeprefix("?"))) if entry.if_none_exist else None
    return Change("create", type_name, body=entry.resource or b"", if_none_exist=condition, name=entry.full_url or "")


def _update(entry: verbatim.Entry, path: list[str], criteria: str) -> Change:
    return _change("update", entry, path, criteria)


def _delete(entry: verbatim.Entry, path: list[str], criteria: str) -> Change:
    return _change("delete", entry, path, criteria)


def _change(op: Literal["update", "delete"], entry: verbatim.Entry, path: list[str], criteria: str) -> Change:
    match = version_of(entry.if_match) if entry.if_match else None
    body, name = (entry.resource or b"", entry.full_url or "") if op == "update" else (b"", "")
    absent = op == "update" and bool(entry.if_none_match) and absence(entry.if_none_match)
    if len(path) == 1:
        condition = criteria_of(_type(path, 1), pairs_of(criteria))
        id = id_within(body) if body else ""
        return Change(op, path[0], id, body, match, condition=condition, name=name, absent=absent)
    type_name = _type(path, 2)
    if criteria or not ID.fullmatch(path[1]):
        raise invalid("value", "the url is not of the form Type/id")
    return Change(op, type_name, path[1], body, match, name=name, absent=absent)


def _type(path: list[str], parts: int) -> str:
    if len(path) != parts or path[0] not in RESOURCE_TYPES:
        raise invalid("value", "the url does not name a resource type, or has too many parts")
    return path[0]
