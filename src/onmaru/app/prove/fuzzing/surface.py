"""What a house answers: the tables that route its requests, and what its CapabilityStatement says there is besides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec

from onmaru.app.rooms import all_rooms
from onmaru.web import probes, sockets
from onmaru.web.api.surface import ROUTES as API
from onmaru.web.doors import Doors, Settings
from onmaru.web.fhir.routes import OFFERED, table
from onmaru.web.fhir.surface import OPEN
from onmaru.web.oauth.surface import OAuth

Route = tuple[str, str]
# Operations on a type or an instance that no table has: the statement tells of them
_BESIDE = {"export": ("", "I/"), "purge": ("I/",)}
JOBS: Sequence[Route] = (("GET", "$job/J"), ("DELETE", "$job/J"), ("GET", "$job/J/F"))


class Surface(msgspec.Struct, frozen=True):
    """`fhir`: (method, shape), shapes as in web/fhir/routes.py; with J and F for a job and its file. The others have
    templates, `{name}` for a part. `parameters`: (type, code, kind) of every search. `pages`: open paths.
    """

    fhir: Sequence[Route]
    offered: Mapping[str, Sequence[str]]
    api: Sequence[Route]
    oauth: Sequence[Route]
    rooms: Sequence[Route]
    parameters: Sequence[tuple[str, str, str]]
    includes: Mapping[str, Sequence[str]]
    pages: Sequence[str]

    @property
    def routes(self) -> Sequence[tuple[str, str, str]]:
        """(surface, method, shape or template) of all of them."""
        named = (("fhir", self.fhir), ("api", self.api), ("oauth", self.oauth), ("rooms", self.rooms))
        return [(surface, *one) for surface, routes in named for one in routes] + [
            ("page", "GET", path) for path in self.pages
        ]


def surface(statement: Mapping[str, Any]) -> Surface:
    """The surface of a house that states this of itself."""
    doors = cast(Doors, _Nothing())
    routes = table(doors)
    fhir = [(method, shape) for shape, methods in routes.items() for method in methods]
    rest = statement["rest"][0]
    fhir += [route for route in _declared(rest) if route not in fhir]
    return Surface(
        fhir=[*fhir, *JOBS],
        offered={shape: sorted(types) for shape, types in OFFERED.items() if types},
        api=[("POST", "login"), ("GET", "events"), *((method, path) for method, path, _, _ in API)],
        oauth=[(method, path) for method, path, _ in OAuth(doors).routes],
        rooms=[(route.method, f"{room.name}{route.path}") for room in all_rooms() for route in room.routes],
        parameters=[
            (resource["type"], one["name"], one["type"])
            for resource in rest["resource"]
            for one in resource["searchParam"]
        ],
        includes={
            one["type"]: [*one.get("searchInclude", ()), *one.get("searchRevInclude", ())] for one in rest["resource"]
        },
        pages=[
            "",
            "index.html",
            sockets.PATH,
            *(path.strip("/") for path in sorted(probes.PATHS)),
            *(f"fhir/{one}" for one in sorted(OPEN)),
        ],
    )


class _Nothing:
    """Doors enough for tables to be made, behind which there is nothing."""

    settings = Settings()

    def __getattr__(self, name: str) -> _Nothing:
        return self


def _declared(rest: Mapping[str, Any]) -> list[Route]:
    """Operations that are answered beside the table, as they are declared."""
    found = [(method, f"${one['name']}") for one in rest.get("operation", ()) for method in ("GET", "POST")]
    for resource in rest["resource"]:
        for one in resource.get("operation", ()):
            for part in _BESIDE.get(one["name"], ()):
                if (part == "I/") == (one["name"] == "purge" or resource["type"] == "Group"):
                    found += [(method, f"{resource['type']}/{part}${one['name']}") for method in ("GET", "POST")]
    return found
