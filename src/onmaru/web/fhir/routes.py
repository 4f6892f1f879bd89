"""Which handler answers which shape of path and which method; the CapabilityStatement is read off the same table."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from onmaru.fhir.outcome import invalid
from onmaru.fhir.search.within import COMPARTMENTS
from onmaru.fhir.structure import RESOURCE_TYPES
from onmaru.kernel.entry import ID
from onmaru.kernel.room import Hall, Request, Response
from onmaru.web.doors import Doors, Settings
from onmaru.web.fhir import terms
from onmaru.web.fhir.driving import Driver
from onmaru.web.fhir.fhirpath import evaluate
from onmaru.web.fhir.operations.offered import named, operations
from onmaru.web.fhir.patch import Patches
from onmaru.web.fhir.posted import Bundles
from onmaru.web.fhir.read import history, read, vread
from onmaru.web.fhir.search import Searches
from onmaru.web.fhir.trail import Trails
from onmaru.web.fhir.validate import validate, validate_stored
from onmaru.web.fhir.write import Writes
from onmaru.web.router import MethodRefused

Interaction = Callable[[Request, Hall], Response | Awaitable[Response]]
# shape of the path → method → (name in a CapabilityStatement, handler)
Table = Mapping[str, Mapping[str, tuple[str, Interaction]]]
# Operations of the whole system. They read nothing of the record, so the surface notes each in the audit trail.
OPERATIONS = frozenset({"$fhirpath"})
# Operations on a type that read nothing of the record either
OF_TYPE = frozenset({"$validate", *terms.NAMES})
# By shape, the types that have the operation: an empty set for all of them
OFFERED = named(operations(Settings()))
NOWHERE = ""


def table(doors: Doors, metadata: Interaction | None = None) -> Table:
    """Every interaction there is. T is a type, I an id, V a version, C the type within a compartment.

    `$terms` is each operation of the terminology service (terms.NAMES). `metadata` answers for it within a Bundle.
    """
    settings, driver = doors.settings, Driver(doors)
    searches = Searches(settings.page)
    writes = Writes(settings, driver)
    patches = Patches(writes)
    bundles = Bundles(doors, driver)
    trails = Trails(doors, searches.of_type, read)
    routes: dict[str, dict[str, tuple[str, Interaction]]] = {
        "T": {
            "GET": ("search-type", trails.search),
            "POST": ("create", writes.create),
            "PUT": ("update", writes.update_matching),
            "DELETE": ("delete", writes.delete_matching),
            "PATCH": ("patch", patches.patch_matching),
        },
        "T/I": {
            "GET": ("read", trails.read),
            "PUT": ("update", writes.update),
            "DELETE": ("delete", writes.delete),
            "PATCH": ("patch", patches.patch),
        },
        "T/I/_history": {"GET": ("history-instance", history)},
        "T/I/_history/V": {"GET": ("vread", vread)},
        "T/_history": {"GET": ("history-type", history)},
        "T/_search": {"POST": ("search-type", searches.of_type_posted)},
        "T/I/C": {"GET": ("search-type", searches.of_compartment)},
        "T/I/C/_search": {"POST": ("search-type", searches.of_compartment_posted)},
        "": {"GET": ("search-system", searches.of_system), "POST": ("transaction", bundles.post)},
        "_search": {"POST": ("search-system", searches.of_system_posted)},
        "_history": {"GET": ("history-system", history)},
        "$fhirpath": {"POST": ("$fhirpath", evaluate)},
        "T/$validate": {"POST": ("validate", validate)},
        "T/$terms": {"GET": ("terms", terms.on_type), "POST": ("terms", terms.on_type)},
        "T/I/$terms": {"GET": ("terms", terms.on_instance), "POST": ("terms", terms.on_instance)},
        "T/I/$validate": {"GET": ("validate", validate_stored), "POST": ("validate", validate_stored)},
    }
    for one in operations(settings, driver, doors):
        routes.setdefault(one.shape, {}).update(dict.fromkeys(one.methods, (one.name, one.handler)))
    bundles.find = partial(_within, routes, metadata)
    return routes


def find(routes: Table, method: str, path: str) -> tuple[Interaction, dict[str, str]]:
    """The handler and the named parts of a path below the base; `Invalid` 404 or MethodRefused."""
    shape, params = shape_of(path)
    by_method = routes.get(shape) if shape or not path else None
    if by_method is None:
        raise _unknown(path)
    found = by_method.get("GET" if method == "HEAD" else method)
    if found is None:
        raise MethodRefused([*by_method, *(["HEAD"] if "GET" in by_method else [])])
    return found[1], params


def _within(routes: Table, metadata: Interaction | None, path: str) -> tuple[Interaction, dict[str, str]]:
    return (metadata, {}) if path == "metadata" and metadata is not None else find(routes, "GET", path)


def shape_of(path: str) -> tuple[str, dict[str, str]]:
    """The shape of a path (see `table`) and its named parts; NOWHERE for one that no interaction has."""
    type, _, id = path.partition("/")
    if type in RESOURCE_TYPES and ID.fullmatch(id):
        return "T/I", {"type": type, "id": id}
    parts = path.split("/")
    if type not in RESOURCE_TYPES:
        return (path, {}) if path in ("", "_search", "_history", *OPERATIONS) or path in OFFERED else (NOWHERE, {})
    params = {"type": type}
    shape = "T"
    rest = parts[1:]
    if rest and rest[0] not in ("_history", "_search") and rest[0][:1] != "$":
        if not ID.fullmatch(rest[0]):
            return NOWHERE, {}
        params["id"] = rest.pop(0)
        shape = "T/I"
    return _tail(shape, params, rest)


def _tail(shape: str, params: dict[str, str], rest: list[str]) -> tuple[str, dict[str, str]]:
    if not rest:
        return shape, params
    if shape == "T/I" and params["type"] in COMPARTMENTS and (rest[0] == "*" or rest[0] in RESOURCE_TYPES):
        params["inner"] = rest[0]
        return "/".join([shape, "C", *rest[1:]]), params
    if rest[0] in terms.NAMES and len(rest) == 1:
        params["operation"] = rest[0]
        rest = ["$terms"]
    if len(rest) > 1 and rest[0] == "_history" and rest[1]:
        params["vid"] = rest[1]
        rest = ["_history", "V", *rest[2:]]
    shape = "/".join([shape, *rest])
    offered = OFFERED.get(shape)
    return (shape, params) if not offered or params["type"] in offered else (NOWHERE, {})


def _unknown(path: str) -> Exception:
    first, second = (*path.split("/", 2), "")[:2]
    if "$" in path:
        return invalid("not-supported", "this operation is not supported", status=404)
    if first[:1].isupper() and first not in RESOURCE_TYPES:
        return invalid("not-supported", "not a resource type of FHIR R4", status=404)
    if second[:1] not in ("", "_") and first in RESOURCE_TYPES and not ID.fullmatch(second):
        return invalid("not-found", "an id has 1 to 64 letters, digits, - and .", status=404)
    return invalid("not-found", "no such address below the FHIR base", status=404)
