"""`X-Provenance` (R4 provenance.html#header): where a resource came from, said with the write and kept in its transaction.

Its one law: both are written or neither; the Provenance's target is what the write made, and is not the client's to say.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence

import msgspec

from onmaru.fhir import verbatim
from onmaru.fhir.outcome import Invalid, Issue, invalid
from onmaru.kernel.record import Change

HEADER = "x-provenance"
_TOLD = "X-Provenance"
_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode
_PLACE = re.compile(r"Bundle\.entry\[(\d)\]\.resource ?(.*)")


def none_of(headers: Mapping[str, str]) -> None:
    """Raises Invalid 400 where the header comes with what it cannot speak of: silence would lose what it says."""
    if HEADER in headers:
        raise invalid("not-supported", "this goes with a create, an update or a patch; a Bundle holds its own", _TOLD)


def paired(headers: Mapping[str, str], change: Change) -> Sequence[Change]:
    """The change, and with it the Provenance that the header says; `Invalid` 400 for what is none or names a target."""
    if HEADER not in headers:
        return (change,)
    if change.if_none_exist is not None:
        raise invalid("not-supported", "this does not go with If-None-Exist, which may make nothing", _TOLD)
    try:
        members = {name: bytes(value) for name, value in _object(verbatim.compact(headers[HEADER].encode())).items()}
    except (Invalid, msgspec.MsgspecError, UnicodeEncodeError):
        raise invalid("structure", "not one JSON object in UTF-8", _TOLD) from None
    if members.get("resourceType") != b'"Provenance"' or not members.keys().isdisjoint({"id", "target", "_target"}):
        raise invalid("value", "a Provenance without id and target, which are set here", _TOLD)
    name = f"urn:uuid:{uuid.uuid4()}"
    members["target"] = _encode([{"reference": name}])
    body = b"{%s}" % b",".join(_encode(key) + b":" + value for key, value in members.items())
    return msgspec.structs.replace(change, name=name), Change("create", "Provenance", body=body, compacted=True)


def placed(error: Invalid) -> Invalid:
    """A refusal of the two told of each: a transaction's entries are not what the client sent."""
    issues = [_placed(issue) for issue in error.issues]
    return Invalid(issues, 403 if any(issue.code == "forbidden" for issue in issues) else error.status)


def _placed(issue: Issue) -> Issue:
    found = _PLACE.fullmatch(issue.expression)
    if found is None:
        return issue
    where = found[2] if found[1] == "0" else f"{_TOLD}: {found[2]}".rstrip(": ")
    return Issue(issue.code, issue.text, where, issue.severity)
