"""Search (FHIR R4 search.html): a type, several types, everything or a compartment, by GET and by POST."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from urllib.parse import quote

import msgspec

from onmaru.fhir.outcome import Invalid, invalid, outcome
from onmaru.fhir.query import Query
from onmaru.fhir.search import parse
from onmaru.fhir.search.own import Own
from onmaru.fhir.search.parsing import parse_here
from onmaru.fhir.search.within import members, within
from onmaru.fhir.structure import RESOURCE_TYPES
from onmaru.fhir.subset import subset
from onmaru.kernel.entry import pairs_of
from onmaru.kernel.log import Version
from onmaru.kernel.record import Page
from onmaru.kernel.room import Hall, Request, Response
from onmaru.kernel.searching import Asked
from onmaru.web.answers import FHIR
from onmaru.web.fhir.bundles import bundle, found, link, query_of
from onmaru.web.fhir.negotiation import FORM, form_of, prefer

# A parameter of the route: whoever asks would take a costly answer later
LATER = "later"
FORM_TYPE = "application/x-www-form-urlencoded"


class TooMuch(Exception):
    """A search that costs too much to be answered at once, by somebody who would take the answer later."""

    def __init__(self, asked: Asked, path: str) -> None:
        super().__init__("answered later")
        self.asked, self.path = asked, path


class Searches:
    """Handlers; `most` bounds `_count`."""

    def __init__(self, most: int) -> None:
        self._most = most

    def of_type(self, request: Request, hall: Hall) -> Response:
        """`GET Type?…`."""
        return self._run(request, hall, (request.params["type"],), request.query)

    def of_type_posted(self, request: Request, hall: Hall) -> Response:
        """`POST Type/_search`: the parameters in the body and, also, in the query."""
        return self._run(request, hall, (request.params["type"],), _posted(request))

    def of_system(self, request: Request, hall: Hall) -> Response:
        """`GET ?_type=…`."""
        return self._run(request, hall, *_types(request.query))

    def of_system_posted(self, request: Request, hall: Hall) -> Response:
        """`POST _search`."""
        return self._run(request, hall, *_types(_posted(request)))

    def of_compartment(self, request: Request, hall: Hall) -> Response:
        """`GET Patient/ID/Type?…`; Type `*` searches everything in the compartment."""
        return self._run(request, hall, _inside(request.params), request.query)

    def of_compartment_posted(self, request: Request, hall: Hall) -> Response:
        """`POST Patient/ID/Type/_search`."""
        return self._run(request, hall, _inside(request.params), _posted(request))

    def _run(self, request: Request, hall: Hall, types: tuple[str, ...], given: Sequence[tuple[str, str]]) -> Response:
        pairs = tuple(p for p in given if p[0] not in FORM)
        query = _read(types, pairs, request, hall.rules.parameters)
        cursor = next((value for name, value in given if name == "_cursor"), "")
        count = 0 if query.summary == "count" else min(query.count, self._most)
        if cursor or count != query.count:
            query = msgspec.structs.replace(query, cursor=cursor, count=count)
        if "inner" in request.params:
            query = within(query, request.params["type"], request.params["id"])
        try:
            page = hall.record.search(query)
        except Invalid as error:
            if error.issues[0].code != "too-costly" or LATER not in request.params or cursor:
                raise
            raise _later(request, types, (pairs, count)) from error
        return Response(200, _rendered(request, query, page), FHIR)


def _later(request: Request, types: tuple[str, ...], how: tuple[tuple[tuple[str, str], ...], int]) -> TooMuch:
    pairs, count = how
    owner = (request.params["type"], request.params["id"]) if "inner" in request.params else None
    lenient = prefer(request.headers).lenient
    return TooMuch(Asked(types, pairs, request.params["base"], lenient, owner, count), request.path)


def _read(types: tuple[str, ...], pairs: tuple[tuple[str, str], ...], request: Request, own: Own) -> Query:
    """Parse a search, or remember it: a ward asks the same all day. What means another thing tomorrow is read afresh."""
    lenient = prefer(request.headers).lenient
    # Only an absolute address asks under which one this house was called
    base = request.params["base"] if any("://" in value for _, value in pairs) else ""
    if own:
        return parse_here(types, pairs, own, lenient=lenient, base=base)
    if any(value.startswith("ap") for _, value in pairs):
        return parse(types, pairs, lenient=lenient, base=base)
    return _known(types, pairs, lenient, base)


@lru_cache(maxsize=4096)
def _known(types: tuple[str, ...], pairs: tuple[tuple[str, str], ...], lenient: bool, base: str) -> Query:
    return parse(types, pairs, lenient=lenient, base=base)


def _rendered(request: Request, query: Query, page: Page) -> bytes:
    base = request.params["base"]
    inner = request.params.get("inner", "")
    type_name = request.params.get("type", "")
    owner = request.params["id"] if inner else ""
    address = "/".join(part for part in (base, type_name, owner, inner) if part)
    # A page of several types is of these types again
    narrowed = [("_type", ",".join(query.types))] if query.types and not type_name else []
    used = query_of([*narrowed, *query.pairs, *form_of(request.query)])
    more = f"{used}&_cursor=" if used else "_cursor="
    links = [link("self", address, more + quote(query.cursor) if query.cursor else used)]
    if query.cursor:
        links.append(link("first", address, used))
    if page.cursor and query.count:
        links.append(link("next", address, more + page.cursor))
    entries = found(base, page.matches, _bodies(query, page.matches), "match")
    if page.included:
        entries += found(base, page.included, _bodies(query, page.included), "include")
    if page.notes:
        entries.append(b'{"resource":%b,"search":{"mode":"outcome"}}' % outcome(page.notes))
    return bundle("searchset", entries, links, page.total)


def _bodies(query: Query, versions: Sequence[Version]) -> Sequence[bytes]:
    if query.summary in ("", "false") and not query.elements:
        return [version.body or b"" for version in versions]
    return [subset(version.body or b"", summary=query.summary, elements=query.elements) for version in versions]


def _posted(request: Request) -> Sequence[tuple[str, str]]:
    kind = request.headers.get("content-type", FORM_TYPE).split(";")[0].strip().lower()
    if kind != FORM_TYPE:
        raise invalid("not-supported", f"_search takes {FORM_TYPE}", "Content-Type", 415)
    try:
        text = request.body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise invalid("value", "the form is not UTF-8") from error
    return [*request.query, *pairs_of(text.strip())]


def _types(pairs: Sequence[tuple[str, str]]) -> tuple[tuple[str, ...], Sequence[tuple[str, str]]]:
    named = [part for name, value in pairs if name == "_type" for part in value.split(",") if part]
    if any(part not in RESOURCE_TYPES for part in named):
        raise invalid("value", "not a resource type of FHIR R4", "_type")
    return tuple(dict.fromkeys(named)), [pair for pair in pairs if pair[0] != "_type"]


def _inside(params: Mapping[str, str]) -> tuple[str, ...]:
    """The types that are searched in a compartment: the one named, or all that may lie in it."""
    inner, types = params["inner"], members(params["type"])
    if inner != "*" and inner not in types:
        raise invalid("not-found", f"not a type of the {params['type']} compartment", status=404)
    return types if inner == "*" else (inner,)
