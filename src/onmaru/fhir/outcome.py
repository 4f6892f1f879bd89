"""Problems as FHIR tells them: an Issue names severity, code, place and reason; Invalid carries all of them at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

Severity = Literal["fatal", "error", "warning", "information"]


class Issue(msgspec.Struct, frozen=True):
    """One OperationOutcome.issue. `expression` is a FHIRPath such as `Patient.birthDate`; `text` never holds a value."""

    code: str
    text: str
    expression: str = ""
    severity: Severity = "error"


class Invalid(ValueError):
    """Input that cannot be taken. `status` is the HTTP status that says so."""

    def __init__(self, issues: Sequence[Issue], status: int = 400) -> None:
        super().__init__("; ".join(f"{i.expression or '-'}: {i.text}" for i in issues[:5]))
        self.issues = tuple(issues)
        self.status = status


def invalid(code: str, text: str, expression: str = "", status: int = 400) -> Invalid:
    """Shorthand for a refusal with one issue."""
    return Invalid([Issue(code, text, expression)], status)


def outcome(issues: Sequence[Issue]) -> bytes:
    """Render issues as the JSON bytes of an OperationOutcome."""
    rendered = []
    for issue in issues:
        one: dict[str, object] = {"severity": issue.severity, "code": issue.code, "diagnostics": issue.text}
        if issue.expression:
            one["expression"] = [issue.expression]
        rendered.append(one)
    return msgspec.json.encode({"resourceType": "OperationOutcome", "issue": rendered})
