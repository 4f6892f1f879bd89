"""Packages and the rule of writing: what is installed in a tenant is what its writes and its `$validate` go by."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.served import Served
from tests.web_house import House

from onmaru.app.cli import run
from onmaru.app.house import House as WholeHouse
from onmaru.app.house import place, system
from onmaru.fhir.outcome import Invalid
from onmaru.fhir.profiles.package import read
from onmaru.kernel import packages
from onmaru.kernel.record import Change
from onmaru.kernel.rules import Rules

Json = dict[str, Any]
URL = "http://example.org/StructureDefinition/named-patient"
PROFILE: Json = {
    "resourceType": "StructureDefinition",
    "id": "named-patient",
    "url": URL,
    "name": "NamedPatient",
    "status": "active",
    "kind": "resource",
    "abstract": False,
    "type": "Patient",
    "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient",
    "derivation": "constraint",
    "differential": {"element": [{"id": "Patient.name", "path": "Patient.name", "min": 1}]},
}
CODES: Json = {"resourceType": "CodeSystem", "id": "c", "url": "urn:c", "status": "active", "content": "complete"}
CLAIMS = {"resourceType": "Patient", "meta": {"profile": [URL]}, "active": True}
MANIFEST: Json = {
    "name": "example.named",
    "version": "1.0.0",
    "canonical": "http://example.org",
    "fhirVersions": ["4.0.1"],
    "dependencies": {"hl7.fhir.r4.core": "4.0.1", "hl7.terminology.r4": "6.0.0"},
}


def archive(*resources: Json | bytes, manifest: Json | None = None, folder: str = "package") -> bytes:
    """A package with these resources."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        files = [("package/package.json", json.dumps(MANIFEST if manifest is None else manifest).encode())]
        for number, one in enumerate(resources):
            kind = json.loads(one)["resourceType"] if isinstance(one, bytes) else one["resourceType"]
            files.append(
                (f"{folder}/{kind}-{number}.json", one if isinstance(one, bytes) else json.dumps(one).encode())
            )
        for name, raw in files:
            entry = tarfile.TarInfo(name)
            entry.size = len(raw)
            tar.addfile(entry, io.BytesIO(raw))
    return made.getvalue()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("home", "keys", "witness"):
        monkeypatch.setenv(f"ONMARU_{name.upper()}", str(tmp_path / name))
    (tmp_path / "home").mkdir()
    return tmp_path


@pytest.fixture
def house(home: Path) -> Iterator[WholeHouse]:
    (home / "home" / "onmaru.toml").write_text(
        '[tenant.strict]\nvalidation = "profiles"\n[tenant.plain]\nvalidation = "structural"\n'
    )
    made = WholeHouse(place(), rooms=())
    yield made
    made.close()


def write(house: WholeHouse, tenant: str, *resources: Json) -> list[str]:
    """The places of what was refused; none where it was written."""
    changes = [Change("create", one["resourceType"], body=msgspec.json.encode(one)) for one in resources]
    try:
        house.hall(system(tenant)).record.write(changes)
    except Invalid as error:
        assert error.status == 422
        return [issue.expression for issue in error.issues]
    return []


def settle(house: WholeHouse, tenant: str) -> None:
    """Make durable what was written: searches go no further."""
    home = house.seat(tenant).home
    home.wait(home.tip())


def test_a_package_is_installed_listed_replaced_and_removed(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, patient = tmp_path / "p.tgz", tmp_path / "patient.json"
    file.write_bytes(archive(PROFILE, CODES))
    patient.write_text(json.dumps(CLAIMS))
    assert run(["package", "install", str(file)]) == 0
    said = capsys.readouterr()
    assert "hl7.terminology.r4#6.0.0" in said.err and "resources 2" in said.out and "r4.core" not in said.out
    assert run(["validate", str(patient), "--tenant", "main", "--errors"]) == 1
    assert "Patient.name" in capsys.readouterr().out
    file.write_bytes(archive(PROFILE, manifest={**MANIFEST, "version": "2.0.0", "dependencies": {}}))
    assert run(["package", "install", str(file), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["version"], told["resources"], told["missing"]) == ("2.0.0", 1, [])
    assert run(["package", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == told
    assert run(["package", "remove", "example.named"]) == 0
    assert "removed 1" in capsys.readouterr().out
    assert run(["package", "list"]) == 0
    assert capsys.readouterr().out == ""
    assert run(["validate", str(patient), "--tenant", "main", "--errors"]) == 0
    assert run(["package", "remove", "example.named"]) == 3
    assert run(["package", "install", str(file), "--tenant", "nobody"]) == 3


def test_beside_a_server_packages_go_through_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file, patient = tmp_path / "p.tgz", tmp_path / "patient.json"
    file.write_bytes(archive(PROFILE, CODES))
    patient.write_text(json.dumps(CLAIMS))
    with Served(tmp_path, 'validation = "profiles"') as server:
        for name in ("HOME", "KEYS", "WITNESS", "PORT"):
            monkeypatch.setenv(f"ONMARU_{name}", server.environ[f"ONMARU_{name}"])
        assert run(["package", "install", str(file), "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["resources"] == 2
        assert run(["package", "list"]) == 0
        assert "example.named" in capsys.readouterr().out
        assert run(["validate", str(patient), "--tenant", "main", "--errors"]) == 1
        assert "Patient.name" in capsys.readouterr().out
        assert run(["package", "remove", "example.named"]) == 0
        assert run(["validate", str(patient), "--tenant", "main", "--errors"]) == 0


def test_a_package_without_its_tenant_serves_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, patient = tmp_path / "p.tgz", tmp_path / "patient.json"
    file.write_bytes(archive(PROFILE))
    patient.write_text(json.dumps(CLAIMS))
    assert run(["validate", str(patient), "--errors"]) == 0
    assert run(["validate", str(patient), "--errors", "--package", str(file)]) == 1


REFUSED: list[tuple[bytes, int]] = [
    (b"", 400),
    (b"\x1f\x8b\x08\x00 not a gzip", 400),
    (archive(manifest={"title": "nameless"}), 400),
    (archive(PROFILE)[:-200], 400),
    (archive(PROFILE, manifest={**MANIFEST, "fhirVersions": ["5.0.0"]}), 422),
    (archive({**PROFILE, "differential": {"element": []}, "status": 1}), 422),
    (archive({"resourceType": "ValueSet", "id": "v", "status": "nonsense-member", "compose": []}), 422),
]


@pytest.mark.parametrize(("data", "status"), REFUSED)
def test_what_is_no_package_for_r4_is_refused_with_every_reason(data: bytes, status: int) -> None:
    with pytest.raises(Invalid) as refused:
        read(data)
    assert refused.value.status == status


def test_a_file_that_is_not_valid_is_left_out_and_named(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "p.tgz"
    file.write_bytes(archive(PROFILE, {**CODES, "status": 1}))
    assert run(["package", "install", str(file), "--json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["resources"] == 1
    assert "package/CodeSystem-1.json CodeSystem.status" in said.err


def test_examples_in_a_package_and_what_has_no_canonical_are_left_out() -> None:
    nameless = {name: value for name, value in CODES.items() if name != "url"}
    assert [one.url for one in read(archive(PROFILE, nameless)).members] == [URL]
    assert read(archive(PROFILE, folder="package/example")).members == ()


def test_an_install_never_overwrites_a_definition_of_another_name(house: WholeHouse) -> None:
    record = house.hall(system("main")).record
    record.write(
        [Change("update", "StructureDefinition", "named-patient", json.dumps({**PROFILE, "url": "urn:x"}).encode())]
    )
    settle(house, "main")
    with pytest.raises(Invalid) as refused:
        packages.install(record, read(archive(PROFILE)))
    assert (refused.value.status, refused.value.issues[0].expression) == (409, "StructureDefinition/named-patient")
    for bad in ({**MANIFEST, "name": "no name"}, {**MANIFEST, "name": "hl7.fhir.r4.core"}):
        with pytest.raises(Invalid):
            packages.install(record, read(archive(CODES, manifest=bad)))
    with pytest.raises(Invalid):
        packages.install(record, read(archive()))
    with pytest.raises(Invalid):
        packages.install(record, read(archive(CODES, {**CODES, "url": "urn:d"})))


def test_a_tenant_refuses_what_its_level_does_not_let_in(house: WholeHouse) -> None:
    female = {"resourceType": "Patient", "gender": "F"}
    for tenant in ("main", "plain", "strict"):
        packages.install(house.hall(system(tenant)).record, read(archive(PROFILE)))
    assert write(house, "main", female, CLAIMS) == []
    assert write(house, "plain", female) == ["Patient.gender"]
    assert write(house, "plain", CLAIMS) == []
    assert write(house, "strict", CLAIMS) == ["Patient.name"]
    assert write(house, "strict", {**CLAIMS, "name": [{"text": "김"}]}) == []
    two = write(house, "strict", CLAIMS, female)
    assert [path.rpartition(" ")[2] for path in two] == ["Patient.name", "Patient.gender"]
    settle(house, "strict")
    packages.remove(house.hall(system("strict")).record, "example.named")
    assert write(house, "strict", CLAIMS) == []


def test_a_definition_written_like_any_resource_takes_part_at_once(house: WholeHouse) -> None:
    record = house.hall(system("strict")).record
    assert write(house, "strict", CLAIMS) == []
    record.write([Change("update", "StructureDefinition", "named-patient", json.dumps(PROFILE).encode())])
    assert write(house, "strict", CLAIMS) == ["Patient.name"]
    # Another tenant knows nothing of it
    assert write(house, "plain", CLAIMS) == []
    record.write([Change("delete", "StructureDefinition", "named-patient")])
    assert write(house, "strict", CLAIMS) == []


def test_large_writes_and_transactions_are_judged_too(house: WholeHouse) -> None:
    record = house.hall(system("plain")).record
    big = {"resourceType": "Patient", "gender": "F", "name": [{"text": "김" * 1000}] * 100}
    changes = [Change("create", "Patient", body=msgspec.json.encode(big)) for _ in range(2)]
    steps = record.steps(changes)
    with pytest.raises(Invalid) as refused:
        while True:
            next(steps)
    assert len(refused.value.issues) == 2
    with pytest.raises(Invalid):
        record.write(changes[:1])


def test_a_tenants_table_takes_only_what_a_tenant_can_have(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for wrong in ('validation = "sometimes"', "port = 1"):
        (home / "home" / "onmaru.toml").write_text(f"[tenant.main]\n{wrong}\n")
        assert run(["package", "list"]) == 4
        assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_refusal_over_http_names_place_and_reason_and_no_value(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.tenants["main"] = msgspec.structs.replace(house.tenants["main"], rules=Rules("structural"))
    loader = house.token("loader", "system")
    answer = house.ask("POST", "/fhir/Patient", {"resourceType": "Patient", "gender": "비밀"}, token=loader)
    assert (answer.status, answer.issues[0]["expression"]) == (422, ["Patient.gender"])
    assert "비밀" not in answer.body.decode()
    entry = {"resource": {"resourceType": "Patient", "gender": "F"}, "request": {"method": "POST", "url": "Patient"}}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    answer = house.ask("POST", "/fhir", bundle, token=loader)
    assert (answer.status, answer.issues[0]["expression"]) == (422, ["Bundle.entry[0].resource.gender"])
    house.close()
