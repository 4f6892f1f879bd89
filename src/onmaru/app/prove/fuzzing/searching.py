"""Questions: reads, histories, searches by every parameter in every form that R4 knows and some that it does not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import quote

from onmaru.app.prove.fuzzing import hostile
from onmaru.app.prove.fuzzing.asking import TYPES, Ask, Draw

MODIFIERS = (
    "exact",
    "contains",
    "missing",
    "text",
    "not",
    "of-type",
    "in",
    "not-in",
    "above",
    "below",
    "identifier",
    "iterate",
    "Patient",
    "Observation",
    "",
    hostile.NAME,
)
PLAIN = {
    "number": ("1", "gt0.5", "ap100"),
    "date": ("2026", "ge2026-01-01", "lt2026-02-01T00:00:00Z", "ap2026-03"),
    "string": ("Kim", "길동", "a"),
    "token": ("final", "http://loinc.org|8867-4", "|x", "http://loinc.org|", "male"),
    "reference": ("Patient/p0", "p1", "Patient/none", "urn:uuid:x"),
    "quantity": ("gt100", "5.4|http://unitsofmeasure.org|mg", "5||mg"),
    "uri": ("http://loinc.org", "urn:x"),
    "composite": ("http://loinc.org|8867-4$gt100", "8867-4$5"),
    "special": ("p0", "x", "true"),
}
FORMS = (
    "_summary=true",
    "_summary=count",
    "_summary=text",
    "_summary=data",
    "_total=accurate",
    "_total=estimate",
    "_count=0",
    "_count=1",
    "_count=3",
    "_elements=id,status",
    "_sort=-_lastUpdated",
    "_sort=_id",
    "_explain=true",
    "_format=xml",
    "_format=json",
    "_pretty=true",
    "_include=*",
    "_revinclude=*",
    "_include:iterate=*",
    "_contained=both",
    "_score=true",
    "_cursor=@cursor@",
    "_type=Patient,Basic",
    "_list=l-p0",
    "_security=V",
    "_tag=x",
    "_profile=urn:x",
    "_source=urn:x",
    "_has:Observation:patient:code=8867-4",
    "_since=2026",
    "_at=2026",
    "_text=a",
    "_content=길동",
    "_filter=name eq x",
    "_query=x",
    "_id=p0,p1",
    "_lastUpdated=ge2020",
)
NAMES = (
    "_count",
    "_sort",
    "_summary",
    "_total",
    "_elements",
    "_include",
    "_revinclude",
    "_cursor",
    "_format",
    "_pretty",
    "_type",
    "_list",
    "_has",
    "_explain",
    "_since",
    "_at",
    "_contained",
    "_id",
    "_lastUpdated",
    "_text",
    "_content",
    "_language",
    "_query",
)


def pair(draw: Draw, type: str) -> str:
    """`name=value` of a parameter of this type, plain or hostile."""
    chance = draw.chance
    dice = chance.random()
    if dice < 0.15:
        return chance.choice(FORMS)
    if dice < 0.25:
        return f"{chance.choice(NAMES)}={draw.value()}"
    if dice < 0.27:
        return f"{draw.value().replace(hostile.MARK, hostile.NAME)}={draw.value()}"
    if dice < 0.32:
        links = draw.surface.includes.get(type) or ["*"]
        return f"{chance.choice(('_include', '_revinclude'))}{chance.choice(('', ':iterate'))}={chance.choice(links)}"
    mine = [one for one in draw.surface.parameters if one[0] == type]
    return clause(draw, chance.choice(mine)) if mine else chance.choice(FORMS)


def clause(draw: Draw, parameter: tuple[str, str, str], links: int = 0) -> str:
    """A criterion on one parameter: with a modifier, chained, had by another, or as it is."""
    _, code, kind = parameter
    chance = draw.chance
    dice = chance.random()
    if dice < 0.25:
        code = f"{code}:{chance.choice(MODIFIERS)}"
    elif dice < 0.4 and kind == "reference" and links < 6:
        inner = clause(draw, chance.choice(draw.surface.parameters), links + 1)
        return f"{code}{chance.choice(('', ':Patient', ':Encounter'))}.{inner}"
    elif dice < 0.5 and links < 6:
        found = chance.choice(draw.surface.parameters)
        return f"_has:{found[0]}:{chance.choice(('patient', 'subject', found[1]))}:{clause(draw, found, links + 1)}"
    values = [
        quote(chance.choice(PLAIN[kind]), safe="|$/:,") if chance.random() < 0.4 else draw.value()
        for _ in range(_many(draw))
    ]
    return f"{code}={','.join(values)}"


def _many(draw: Draw) -> int:
    return draw.chance.choice((1, 1, 1, 1, 1, 1, 2, 3, 30))


def query(draw: Draw, type: str) -> str:
    """Some criteria."""
    many = draw.chance.choice((0, 1, 1, 1, 2, 2, 3, 8, 60 if draw.chance.random() < 0.1 else 4))
    return "&".join(pair(draw, type) for _ in range(many))


def search(draw: Draw) -> Ask:
    """A search of a type by the parameter whose turn it is, and of others."""
    every = draw.surface.parameters
    mine = every[draw.number % len(every)]
    prefix, who = draw.who()
    pairs = [clause(draw, mine), *([query(draw, mine[0])] if draw.chance.random() < 0.5 else [])]
    return Ask("search", "GET", f"{prefix}/fhir/{mine[0]}?{'&'.join(one for one in pairs if one)}", (), b"", who)


def somewhere(draw: Draw) -> Ask:
    """A search of a type, of all, of several or of a compartment; by GET or POST."""
    chance = draw.chance
    prefix, who = draw.who()
    shape = chance.choice(("T", "", "T/I/C", "T/_search", "_search", "T/I/C/_search"))
    path, type = draw.path(shape)
    asked = query(draw, type or chance.choice(TYPES))
    address = f"{prefix}/fhir/{path}".rstrip("/")
    if not shape.endswith("_search"):
        return Ask("search", "GET", f"{address}?{asked}", (), b"", who)
    form = (("content-type", "application/x-www-form-urlencoded"),)
    return Ask("search", "POST", address, form, asked.encode("latin-1", "replace"), who)


def reading(draw: Draw) -> Ask:
    """Any GET route of FHIR, with a query that belongs to it or to another."""
    method, shape = draw.chance.choice([one for one in draw.surface.fhir if one[0] == "GET"])
    prefix, who = draw.who()
    path, type = draw.path(shape)
    asked = query(draw, type) if draw.chance.random() < 0.4 else ""
    return Ask(
        "read",
        draw.chance.choice((method, method, method, "HEAD")),
        f"{prefix}/fhir/{path}?{asked}".rstrip("/?"),
        (),
        b"",
        who,
    )


def explored(draw: Draw) -> Ask:
    """An address that no table has: parts of some, put together."""
    chance = draw.chance
    prefix, who = draw.who()
    parts = [
        chance.choice(
            (
                draw.type(),
                "_history",
                "_search",
                "$everything",
                "*",
                "p0",
                draw.value(),
                "",
                "..",
                "$validate",
                "metadata",
            )
        )
        for _ in range(chance.randrange(1, 6))
    ]
    return Ask(
        "explored",
        chance.choice(("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")),
        f"{prefix}/fhir/{'/'.join(parts)}",
        (),
        b"",
        who,
    )


KINDS: Sequence[tuple[float, Callable[[Draw], Ask]]] = ((20, search), (8, somewhere), (10, reading), (2, explored))
