"""Who asks, for which tenant, in which role, for what purpose and within which scopes: part of every access."""

from __future__ import annotations

from typing import Literal

import msgspec

Role = Literal[
    "physician", "nurse", "registrar", "researcher", "data-manager", "board-member", "patient", "admin", "system"
]
ROLES: tuple[Role, ...] = (
    "physician",
    "nurse",
    "registrar",
    "researcher",
    "data-manager",
    "board-member",
    "patient",
    "admin",
    "system",
)
# Purposes of use: codes of http://terminology.hl7.org/CodeSystem/v3-ActReason
Purpose = Literal["TREAT", "ETREAT", "BTG", "HPAYMT", "HOPERAT", "HRESCH", "PATRQT", "SYSADMIN"]


Context = Literal["patient", "user", "system"]


class Scope(msgspec.Struct, frozen=True):
    """One SMART App Launch 2 scope: `patient|user|system / type|* . letters of cruds [? search]`.

    `search` "" means every resource of the type, else those that the FHIR search finds (`category=laboratory`).
    """

    context: Context
    type: str
    verbs: frozenset[str]
    search: str = ""


class Caller(msgspec.Struct, frozen=True):
    """One authenticated asker in one request. `patient` binds patient-context callers; `reason` is break-glass's.

    `grant`: the keyed hash of the secret that was presented, b"" for the house itself.
    """

    tenant: str
    user: str
    roles: frozenset[Role]
    purpose: Purpose
    scopes: tuple[Scope, ...]
    patient: str = ""
    reason: str = ""
    request: str = ""
    address: str = ""
    grant: bytes = b""
