"""The rooms' routes below `/rooms/NAME`: the route's scope is checked before its handler runs in the room's Hall."""

from __future__ import annotations

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.kernel import scope
from onmaru.kernel.caller import Scope
from onmaru.kernel.room import Response, Room, Route
from onmaru.web.entrance import deny
from onmaru.web.router import Router
from onmaru.web.visit import Visit


class Rooms:
    """All rooms' routes in one router."""

    def __init__(self, rooms: tuple[Room, ...]) -> None:
        self._router: Router[tuple[str, Route, tuple[Scope, ...]]] = Router()
        for room in rooms:
            for route in room.routes:
                needed = scope.parse(route.scope)
                self._router.add(route.method, f"{room.name}/{route.path.strip('/')}", (room.name, route, needed))

    def answer(self, visit: Visit, path: str) -> Response:
        """Run the route; `Invalid` 403 and an audit row when the Caller lacks its scope."""
        (name, route, needed), params = self._router.find(visit.request.method, path)
        _, caller = visit.known()
        if not all(scope.covers(caller.scopes, one) for one in needed):
            deny(visit, "scope")
            raise invalid("forbidden", "not permitted: scope", status=403)
        request = msgspec.structs.replace(visit.request, path="/" + path.partition("/")[2], params=params)
        return route.handler(request, visit.hall(name))
