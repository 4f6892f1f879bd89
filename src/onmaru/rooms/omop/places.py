"""The hospital and its staff: care sites, locations and providers, which are of no patient."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from onmaru.kernel.projection import Row
from onmaru.rooms.omop.codes import Codes
from onmaru.rooms.omop.moments import moment
from onmaru.rooms.omop.pieces import codings, decimal, first, referred, source_value, subject, words
from onmaru.rooms.omop.row import made, own
from onmaru.rooms.omop.tables import PLACE, PROVIDER, ROLE, SITE, THING

NPI = "http://hl7.org/fhir/sid/us-npi"


def address(value: Any) -> dict[str, Any]:
    """The coarse parts of an Address: street and house number stay behind."""
    found = value if isinstance(value, dict) else {}
    parts = {"city": "city", "state": "state", "zip": "postalCode", "county": "district", "country": "country"}
    place: dict[str, Any] = {name: str(found[member]) for name, member in parts.items() if found.get(member)}
    return {**place, "source": " ".join(place.values())} if place else {}


def _site(body: dict[str, Any]) -> Iterator[Row]:
    """An Organization or Location as a care site, with its address as a location."""
    codes, kind = Codes(), first(body, "type")
    where = body.get("position") or {}
    place = address(first(body, "address"))
    if where:
        place |= {"latitude": decimal(where.get("latitude")), "longitude": decimal(where.get("longitude"))}
    columns = {
        "id": own(body),
        "name": str(body.get("name") or ""),
        "place": own(body) if place else None,
        "type": source_value(kind),
        "type_key": codes.key(codings(kind)),
        "source": f"{body['resourceType']}/{body['id']}",
    }
    yield made(SITE, body, "", columns, codes)
    if place:
        yield made(PLACE, body, "", {"id": own(body), **place}, Codes())


def _provider(body: dict[str, Any]) -> Iterator[Row]:
    codes, gender = Codes(), str(body.get("gender") or "")
    name = first(body, "name") or {}
    written = str(name.get("text") or " ".join([*(name.get("given") or []), str(name.get("family") or "")]))
    numbers = [str(one.get("value") or "") for one in body.get("identifier") or [] if one.get("system") == NPI]
    born = moment(body.get("birthDate"))
    columns = {
        "id": own(body),
        "name": written.strip(),
        "npi": numbers[0] if numbers else "",
        "year": int(str(body["birthDate"])[:4]) if born.day is not None else None,
        "gender": gender,
        "gender_key": codes.key([{"code": gender, "display": gender}] if gender else [], "Gender"),
        "source": f"Practitioner/{body['id']}",
    }
    yield made(PROVIDER, body, "", columns, codes)


def _role(body: dict[str, Any]) -> Iterator[Row]:
    """What a Practitioner does where."""
    codes, specialty = Codes(), first(body, "specialty", "code")
    whose = referred(body.get("practitioner"), "Practitioner")
    if whose is None:
        return
    columns = {
        "provider": whose,
        "specialty": words(specialty),
        "specialty_key": codes.key(codings(specialty), "", words(specialty)),
        "site": referred(body.get("organization"), "Organization"),
    }
    yield made(ROLE, body, "", columns, codes)


def thing(body: dict[str, Any]) -> Iterator[Row]:
    """A Medication or a Device, whose codes stand for what refers to it."""
    codes = Codes()
    concept = body.get("code") or body.get("type")
    carrier = first(body, "udiCarrier") or {}
    columns = {
        "id": own(body),
        "code": codes.key(codings(concept), "", words(concept)),
        "device": str(carrier.get("carrierHRF") or carrier.get("deviceIdentifier") or ""),
        "production": str(body.get("serialNumber") or body.get("lotNumber") or ""),
    }
    yield made(THING, body, subject(body), columns, codes)


HOUSE: Mapping[str, Callable[[dict[str, Any]], Iterator[Row]]] = {
    "Organization": _site,
    "Location": _site,
    "Practitioner": _provider,
    "PractitionerRole": _role,
    "Medication": thing,
    "Device": thing,
}
