"""Responses and refusals: every refusal is an OperationOutcome on /fhir and `{error: {code, text}}` elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from onmaru.fhir.outcome import Invalid, Issue, outcome
from onmaru.kernel.room import Response

FHIR = "application/fhir+json; charset=utf-8"
JSON = "application/json; charset=utf-8"
NOTHING = Response(204, b"", "")

# Sent with every answer. Patient data is never to be stored by a browser or a proxy.
SECURE: tuple[tuple[str, str], ...] = (
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("x-frame-options", "DENY"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
)


def json(value: Any, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> Response:
    """An answer of the JSON API."""
    return Response(status, msgspec.json.encode(value), JSON, tuple(headers))


def refusal(error: Invalid, *, fhir: bool, headers: Sequence[tuple[str, str]] = ()) -> Response:
    """What a refusal looks like on the two surfaces."""
    extra = tuple(headers)
    if error.status == 401:
        extra += (("www-authenticate", 'Bearer realm="onmaru"'),)
    if fhir:
        return Response(error.status, outcome(error.issues), FHIR, extra)
    first = error.issues[0] if error.issues else Issue("processing", "refused")
    text = f"{first.expression}: {first.text}" if first.expression else first.text
    return json({"error": {"code": first.code, "text": text}}, error.status, extra)
