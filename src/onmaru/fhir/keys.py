"""Search keys of one resource: what every engine's index stores and what the oracle matches on."""

from __future__ import annotations

import msgspec


class Keys(msgspec.Struct, gc=False):
    """Rows that the R4 SearchParameters yield for one resource; `sp` is `Parameter.sp`.

    token: (sp, system or "", code) — boolean as true/false, Identifier as system|value, uri and canonical with system "".
        A token over a string or ContactPoint is case-folded, as the query's is.
    typed: (sp, system of the type or "", code of the type, value) of an Identifier, for `:of-type`.
    text: (sp, display or text of a coded value), for `:text`.
    reference: (sp, target type or "", id or absolute url) — versions stripped; contained targets left out.
        A canonical with a version has two rows, `url|version` and url.
    date: (sp, low, high) in µs since 1970 UTC, high exclusive; open ends are MIN and MAX. A time without zone is UTC.
    string: (sp, text as it stands). number and quantity: (sp, system, code or unit, value); number has "" twice.
    composite: (sp, component keys in order), each component a Keys of its own whose sp is the component's parameter.
    patients: ids of the Patient compartments that the resource belongs to (a Patient is in its own).
    labels: (system, code) of meta.security.
    heir_of: (type, id) of what it inherits compartments from, when it does not say itself whose it is; extraction leaves
        this to kernel/compartment.py.
    """

    token: list[tuple[int, str, str]] = []
    text: list[tuple[int, str]] = []
    reference: list[tuple[int, str, str]] = []
    date: list[tuple[int, int, int]] = []
    string: list[tuple[int, str]] = []
    quantity: list[tuple[int, str, str, float]] = []
    composite: list[tuple[int, tuple[Keys, ...]]] = []
    patients: list[str] = []
    labels: list[tuple[str, str]] = []
    heir_of: list[tuple[str, str]] = []
    typed: list[tuple[int, str, str, str]] = []


MIN = -(2**62)
MAX = 2**62
