"""One request on its way: who came from where, and with which grant. Nothing of it outlives the answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import lru_cache

import msgspec

from onmaru.kernel.caller import Caller
from onmaru.kernel.login import Standing
from onmaru.kernel.room import Hall, Request, Response
from onmaru.web.denials import Denials
from onmaru.web.doors import Doors, Language


class Visit(msgspec.Struct):
    """`caller` and `standing` are None before authentication. `base` is the tenant's own address, without a last slash.

    `there`: somebody has such a tenant; `closed`: why nobody gets at it now, "" where it is open. `counted`: it counts among
    the requests that its tenant has under way.
    """

    doors: Doors
    request: Request
    id: str
    tenant: str
    address: str
    secure: bool
    base: str
    denials: Denials
    there: bool
    closed: str
    standing: Standing | None = None
    caller: Caller | None = None
    counted: bool = False

    def known(self) -> tuple[Standing, Caller]:
        """Grant and Caller of an authenticated visit."""
        if self.standing is None or self.caller is None:
            raise RuntimeError("a visit that was not authenticated")
        return self.standing, self.caller

    @property
    def language(self) -> Language:
        """The first language of Accept-Language that the house speaks, else the user's."""
        asked = self.request.headers.get("accept-language")
        return (asked and spoken(asked)) or self.known()[0].user.language

    def hall(self, room: str = "") -> Hall:
        """The kernel's doors for this visit's Caller."""
        return self.doors.hall(self.known()[1], room, self.language)


@lru_cache(maxsize=256)
def spoken(asked: str) -> Language | None:
    """The first language of an Accept-Language header that the house speaks."""
    for part in asked.split(","):
        tag = part.strip()[:2].lower()
        if tag == "ko":
            return "ko"
        if tag == "en":
            return "en"
    return None


Handler = Callable[[Visit], Response | Awaitable[Response]]
