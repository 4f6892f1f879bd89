"""What R4 asks of a Bundle's entries beyond its invariants (bundle.html#bundle-unique): the fullUrl names what it holds."""

from __future__ import annotations

import re

from onmaru.fhir.fhirpath import Node
from onmaru.fhir.profiles.visit import Visit, children

_UUID = re.compile(r"urn:uuid:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_OID = re.compile(r"urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+")
_RESTFUL = re.compile(r"https?://.+/([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})")


def bundle(node: Node, visit: Visit) -> None:
    """Check every fullUrl of a Bundle against its resource."""
    for entry in children(node, "entry"):
        url = entry.data.get("fullUrl")
        if isinstance(url, str):
            key = _wrong(url, entry.data.get("resource"))
            if key:
                visit.report("error", "value", f"{entry.path}.fullUrl", key)


def _wrong(url: str, resource: object) -> str:
    """The message about a fullUrl, "" where it is sound."""
    if url.startswith(("urn:uuid:", "urn:oid:")):
        return "" if _UUID.fullmatch(url) or _OID.fullmatch(url) else "bundle-uuid"
    if "/_history/" in url:
        return "bundle-version"
    match = _RESTFUL.fullmatch(url)
    if match is None or not isinstance(resource, dict) or "id" not in resource:
        return ""
    return "" if match.groups() == (resource.get("resourceType"), resource["id"]) else "bundle-full-url"
