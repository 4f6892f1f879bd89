"""The house under fuzz: tenants, a chart or two in each, people of every role, apps; nothing in it is dear to anybody."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from onmaru.app.house import MAIN, House, Place, system
from onmaru.app.prove.fuzzing.asking import Known
from onmaru.app.prove.twins import changes, world
from onmaru.kernel.accounts import User
from onmaru.kernel.caller import Role
from onmaru.kernel.record import Change
from onmaru.kernel.registration import Metadata, register
from onmaru.kernel.tenancy import Tenancy

PATIENTS = 12
TENANTS = (MAIN, "clinic", "house", "closed")
# Rates of its limits are met too
SETTINGS = '[tenant.clinic]\nvalidation = "profiles"\nintegrity = "refuse"\n'
MORE: Sequence[Mapping[str, Any]] = (
    {
        "resourceType": "CodeSystem",
        "id": "s0",
        "url": "urn:fuzz:codes",
        "status": "active",
        "content": "complete",
        "concept": [{"code": "a", "display": "가", "concept": [{"code": "b"}]}],
    },
    {
        "resourceType": "ValueSet",
        "id": "v0",
        "url": "urn:fuzz:set",
        "status": "active",
        "compose": {"include": [{"system": "urn:fuzz:codes"}]},
    },
    {
        "resourceType": "ConceptMap",
        "id": "m0",
        "url": "urn:fuzz:map",
        "status": "active",
        "sourceUri": "urn:fuzz:set",
        "targetUri": "urn:fuzz:set",
        "group": [
            {
                "source": "urn:fuzz:codes",
                "target": "urn:fuzz:codes",
                "element": [{"code": "a", "target": [{"code": "b", "equivalence": "equal"}]}],
            }
        ],
    },
    {
        "resourceType": "SearchParameter",
        "id": "q0",
        "url": "urn:fuzz:own",
        "name": "own",
        "status": "active",
        "description": "x",
        "code": "own",
        "base": ["Patient"],
        "type": "string",
        "expression": "Patient.name.family",
    },
    {
        "resourceType": "Composition",
        "id": "k0",
        "status": "final",
        "type": {"text": "x"},
        "date": "2026",
        "title": "x",
        "subject": {"reference": "Patient/p4"},
        "author": [{"reference": "Practitioner/d0"}],
        "section": [{"entry": [{"reference": "Observation/o0-p4"}]}],
    },
    {"resourceType": "Practitioner", "id": "d0", "name": [{"family": "의"}]},
    {
        "resourceType": "Binary",
        "id": "b0",
        "contentType": "application/fhir+ndjson",
        "data": "eyJyZXNvdXJjZVR5cGUiOiJCYXNpYyIsImNvZGUiOnsidGV4dCI6IngifX0K",
    },
    {
        "resourceType": "Group",
        "id": "g0",
        "type": "person",
        "actual": True,
        "member": [{"entity": {"reference": "Patient/p4"}}, {"entity": {"reference": "Patient/p5"}}],
    },
    {"resourceType": "Task", "id": "t0", "status": "requested", "intent": "order", "for": {"reference": "Patient/p4"}},
    {"resourceType": "Location", "id": "w0", "name": "W5"},
    {"resourceType": "Organization", "id": "g1", "name": "병원"},
    {
        "resourceType": "StructureDefinition",
        "id": "p0",
        "url": "urn:fuzz:profile",
        "name": "P",
        "status": "active",
        "kind": "resource",
        "abstract": False,
        "type": "Patient",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient",
        "derivation": "constraint",
        "differential": {
            "element": [
                {"id": "Patient", "path": "Patient"},
                {"id": "Patient.birthDate", "path": "Patient.birthDate", "min": 1},
            ]
        },
    },
    {
        "resourceType": "Subscription",
        "id": "u0",
        "status": "off",
        "reason": "x",
        "criteria": "Patient?",
        "channel": {"type": "websocket"},
    },
)


def furnished(place: Place, patients: int = PATIENTS) -> tuple[Known, Mapping[str, str]]:
    """Write the house; what is known of it, and tokens by `tenant:role`."""
    house, tokens = House(place, rooms=()), dict[str, str]()
    facts = world(patients, 11)
    for tenant in TENANTS:
        record = house.hall(system(tenant)).record
        for change in changes(facts, None) if tenant == MAIN else ():
            record.write([change])
        for one in MORE:
            record.write([Change("update", one["resourceType"], one["id"], json.dumps(one).encode())])
        home = house.seat(tenant).home
        home.wait(home.tip())
        for role in get_args(Role):
            user = User(tenant, role, role, (role,), patient="p4" if role == "patient" else "")
            house.logins.keep_user(user)
            tokens[f"{tenant}:{role}"] = house.logins.issue(user, "")[0]
        limited = User(tenant, "limited", "limited", ("system",))
        house.logins.keep_user(limited)
        tokens[f"{tenant}:limited"] = house.logins.issue(
            limited, "system/Patient.rs system/Observation.rs?category=vital-signs"
        )[0]
        leaver = User(tenant, "leaver", "leaver", ("nurse",))
        house.logins.keep_user(leaver)
        tokens[f"{tenant}:leaver"] = house.logins.issue(leaver, "")[0]
        for name in ("dummy1", "dummy2"):
            house.logins.keep_user(User(tenant, name, name, ("nurse",)))
    app = register(house.logins, MAIN, Metadata("앱", ("https://app.example/",), "client_secret_basic"), "fuzz")
    public = register(house.logins, MAIN, Metadata("공개", ("https://app.example/",)), "fuzz")
    house.tenancies.save(Tenancy("house", keeps=True))
    house.tenancies.save(Tenancy("closed", "suspended", reason="x"))
    house.close()
    # Only now, since the clinic takes no reference that leads nowhere
    (place.home / "onmaru.toml").write_text(SETTINGS)
    names = [
        *sorted({(fact.change.type, fact.change.id) for fact in facts}),
        *((one["resourceType"], one["id"]) for one in MORE),
    ]
    who = {tenant: [name for name in tokens if name.startswith(f"{tenant}:")] for tenant in TENANTS}
    return Known(names, who, [(client.id, secret) for client, secret in (app, public)]), tokens
