"""The hospital's masters as FHIR R4 transactions: organisations, places and staff, sent before anybody falls ill."""

from __future__ import annotations

from onmaru.simulate.bundles import Resource, identifier, transaction
from onmaru.simulate.places import DEPARTMENTS
from onmaru.simulate.systems import DEPARTMENT, HOSPITAL, LICENCE, PLACE, STAFF, oid
from onmaru.simulate.world import World

CHUNK = 100
HOSPITAL_NUMBER = "SIM00000"
HOSPITAL_NAME = "온마루 모의병원"


def _sought(type: str, system: str, value: str) -> Resource:
    """A conditional reference (FHIR R4, 3.1.0.11.2)."""
    return {"reference": f"{type}?identifier={system}|{value}"}


def masters(world: World) -> None:
    """The hospital, its departments, wards, rooms, beds and staff; each bundle refers only to those before it."""
    for resources in (
        _hospital(world),
        _departments(),
        _site(world),
        _wards(world),
        _rooms(world),
        _beds(world),
        _staff(world),
        _roles(world),
    ):
        for at in range(0, len(resources), CHUNK):
            world.send_json("fhir", "MDR", "masters", transaction(resources[at : at + CHUNK]), orderly=True)


def _hospital(world: World) -> list[Resource]:
    return [
        {
            "resourceType": "Organization",
            "identifier": [identifier(HOSPITAL, HOSPITAL_NUMBER)],
            "active": True,
            "name": HOSPITAL_NAME,
            "alias": ["Onmaru Simulated Hospital", world.settings.facility],
        }
    ]


def _departments() -> list[Resource]:
    return [
        {
            "resourceType": "Organization",
            "identifier": [identifier(oid(PLACE), f"DEPT{code}")],
            "active": True,
            "type": [{"coding": [{"system": DEPARTMENT, "code": code, "display": ko}]}],
            "name": ko,
            "alias": [en],
            "partOf": _sought("Organization", HOSPITAL, HOSPITAL_NUMBER),
        }
        for code, (ko, en) in DEPARTMENTS.items()
    ]


def _location(world: World, path: str, name: str, physical: tuple[str, str]) -> Resource:
    """A place by its path, such as `71W/7101/1`, also under the name that the door gives a PL of our messages."""
    facility = world.settings.facility
    above, _, _ = path.rpartition("/")
    kind = {"system": "http://terminology.hl7.org/CodeSystem/location-physical-type", "code": physical[0]}
    one: Resource = {
        "resourceType": "Location",
        "identifier": [
            identifier(oid(PLACE), path or facility),
            identifier(f"urn:onmaru:location:{facility}", f"{facility}/{path}" if path else facility),
        ],
        "status": "active",
        "name": name,
        "mode": "instance",
        "physicalType": {"coding": [{**kind, "display": physical[1]}]},
    }
    if path:
        one["partOf"] = _sought("Location", oid(PLACE), above or facility)
    return one


def _site(world: World) -> list[Resource]:
    return [_location(world, "", HOSPITAL_NAME, ("si", "Site"))]


def _wards(world: World) -> list[Resource]:
    out = []
    for ward in world.settings.wards:
        one = _location(world, ward.code, ward.ko, ("wa", "Ward"))
        one["alias"] = [ward.en]
        one["managingOrganization"] = _sought("Organization", oid(PLACE), f"DEPT{ward.department}")
        out.append(one)
    return out


def _rooms(world: World) -> list[Resource]:
    rooms = {bed.room: bed.ward for bed in world.board.beds}
    return [_location(world, f"{ward}/{room}", f"{room}호", ("ro", "Room")) for room, ward in rooms.items()]


def _beds(world: World) -> list[Resource]:
    return [_location(world, f"{bed.ward}/{bed.room}/{bed.number}", bed.ko, ("bd", "Bed")) for bed in world.board.beds]


def _staff(world: World) -> list[Resource]:
    return [
        {
            "resourceType": "Practitioner",
            "identifier": [identifier(oid(STAFF), one.number), identifier(LICENCE, one.licence)],
            "active": True,
            "name": [
                {"use": "official", "text": one.name, "family": one.family, "given": [one.given]},
                {"use": "usual", "text": one.latin},
            ],
            "gender": "male" if one.sex == "M" else "female",
        }
        for one in world.roster.everybody()
    ]


def _roles(world: World) -> list[Resource]:
    out = []
    for one in world.roster.everybody():
        role: Resource = {
            "resourceType": "PractitionerRole",
            "identifier": [identifier(oid(STAFF), f"ROLE-{one.number}")],
            "active": True,
            "practitioner": _sought("Practitioner", oid(STAFF), one.number),
            "code": [
                {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/practitioner-role", "code": one.role}]}
            ],
        }
        if one.role == "doctor":
            role["organization"] = _sought("Organization", oid(PLACE), f"DEPT{one.unit}")
        else:
            role["location"] = [_sought("Location", oid(PLACE), one.unit)]
        out.append(role)
    return out
