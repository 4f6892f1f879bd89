"""A patch of any of the three kinds made on the current version of a resource: it is written as an update of that version.

Its one law: a patch changes neither the type nor the id, and what another wrote in between is never undone by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from onmaru.fhir import fhirpath_patch, json_patch, xml_patch
from onmaru.fhir.fhirpath import read
from onmaru.fhir.fhirpath.results import encode
from onmaru.fhir.outcome import Invalid, invalid
from onmaru.fhir.syntax import check_depth
from onmaru.kernel.log import Version
from onmaru.kernel.record import Change

Form = Literal["json", "xml", "fhirpath"]
JSON_PATCH, XML_PATCH = "application/json-patch+json", "application/xml-patch+xml"
# The forms that have a media type of their own; a FHIRPath Patch is a Parameters resource
FORMS: Mapping[str, Form] = {JSON_PATCH: "json", XML_PATCH: "xml"}


class Patch(msgspec.Struct, frozen=True):
    """`if_match`: the version it was made for, if it says so."""

    form: Form
    body: bytes
    if_match: int | None = None


def change(patch: Patch, current: Version) -> Change:
    """The update that a patch comes to. Raises Invalid 400 (no patch), 412, 413 (too much) or 422 (it does not fit)."""
    if patch.if_match is not None and patch.if_match != current.version:
        raise invalid("conflict", "If-Match names another version than the current one", status=412)
    try:
        made = _made(patch, current.body or b"{}")
        body = encode(made)
    except RecursionError:
        # Moved into one another, parts that are each allowed nest as deep as anybody likes
        raise invalid("too-costly", "what the patch makes nests too deep", status=413) from None
    if not isinstance(made, dict) or (made.get("resourceType"), made.get("id")) != (current.type, current.id):
        raise invalid("business-rule", "a patch changes neither the type nor the id of a resource", status=422)
    return Change("update", current.type, current.id, body, current.version)


def _made(patch: Patch, stored: bytes) -> Any:
    if patch.form == "xml":
        found = xml_patch.operations(patch.body)
        try:
            return xml_patch.patched(stored, found)
        except Invalid as error:
            raise Invalid(error.issues, 422 if error.status == 400 else error.status) from None
    check_depth(patch.body)
    resource = read(stored)
    if patch.form == "json":
        return json_patch.patched(resource, json_patch.operations(patch.body))
    try:
        parameters = read(patch.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise invalid("structure", "this is not JSON") from None
    return fhirpath_patch.patched(resource, fhirpath_patch.operations(parameters), datetime.now(UTC))
