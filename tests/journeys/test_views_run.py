"""A view by its operation: over the lake for whoever may do research, over posted resources, as files of every form."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq
import pytest

from onmaru.app.house import MAIN, House, place, system
from onmaru.app.lake.viewing import view
from onmaru.fhir.outcome import Invalid
from onmaru.kernel.caller import Caller, Purpose, Role, Scope
from onmaru.kernel.record import Change
from onmaru.kernel.room import Request
from onmaru.web.fhir.operations import views

VIEW: dict[str, Any] = {
    "resourceType": "ViewDefinition",
    "url": "urn:view:values",
    "name": "values",
    "status": "active",
    "resource": "Observation",
    "select": [
        {
            "column": [
                {"name": "id", "path": "id", "type": "id"},
                {"name": "patient", "path": "subject.getReferenceKey(Patient)", "type": "string"},
                {"name": "subject_id", "path": "subject.reference", "type": "string"},
                {"name": "value", "path": "value.ofType(Quantity).value", "type": "decimal"},
                {"name": "tags", "path": "category.coding.code", "type": "code", "collection": True},
            ]
        }
    ],
}
ROWS = [
    {"id": "a", "patient": "Patient/p1", "subject_id": "Patient/p1", "value": 1.5, "tags": ["lab", "x"]},
    {"id": "b", "patient": "Patient/p2", "subject_id": "Patient/p2", "value": 2.0, "tags": []},
]


def observation(id: str, of: str, value: float, **more: Any) -> dict[str, Any]:
    base = {"resourceType": "Observation", "id": id, "status": "final", "code": {"text": "x"}, **more}
    return {**base, "subject": {"reference": f"Patient/{of}"}, "valueQuantity": {"value": value, "unit": "mg"}}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("views")
    stored = {**VIEW, "select": [{"column": [{"name": "n", "path": "id"}]}]}
    library = {
        "resourceType": "Library",
        "id": "values",
        "url": "urn:view:stored",
        "status": "active",
        "type": {"coding": [views.VIEW]},
        "content": [
            {"contentType": "application/json", "data": base64.b64encode(json.dumps(stored).encode()).decode()}
        ],
    }
    with pytest.MonkeyPatch.context() as patch:
        for name in ("home", "keys", "witness"):
            patch.setenv(f"ONMARU_{name.upper()}", str(folder / name))
        made = House(place())
        bodies = [
            {"resourceType": "Patient", "id": "p1", "name": [{"given": ["SECRET", "x"]}]},
            {"resourceType": "Patient", "id": "p2"},
            observation("a", "p1", 1.5, category=[{"coding": [{"code": "lab"}, {"code": "x"}]}]),
            observation("b", "p2", 2.0),
            library,
        ]
        changes = [Change("update", one["resourceType"], one["id"], msgspec.json.encode(one)) for one in bodies]
        made.hall(system(MAIN)).record.write(changes)
        home = made.seat(MAIN).home
        home.wait(home.tip())
        made.catch_up(MAIN)
        yield made
        made.close()


def asker(role: Role = "data-manager", purpose: Purpose = "HRESCH") -> Caller:
    return Caller(MAIN, "kim", frozenset({role}), purpose, (Scope("user", "*", frozenset("rs")),))


def ask(house: House, *parameters: dict[str, Any], caller: Caller | None = None, **query: str) -> bytes:
    body = msgspec.json.encode({"resourceType": "Parameters", "parameter": list(parameters)}) if parameters else b""
    pairs = [(name.replace("__", "_"), value) for name, value in query.items()]
    request = Request("POST" if body else "GET", "", {}, pairs, {}, body)
    answer = views.run(request, house.hall(caller or asker()))
    assert isinstance(answer.body, Callable)  # type: ignore[arg-type]  # typing's own class is one of its instances' checks
    return answer.body()  # type: ignore[operator,return-value]  # it was asked


def inline(view: dict[str, Any] = VIEW) -> dict[str, Any]:
    return {"name": "viewResource", "resource": view}


def test_a_view_over_the_lake_gives_the_same_rows_in_every_form(house: House) -> None:
    assert json.loads(ask(house, inline())) == ROWS
    assert [json.loads(line) for line in ask(house, inline(), __format="ndjson").splitlines()] == ROWS
    assert ask(house, inline(), __format="csv").decode().splitlines() == [
        '"id","patient","subject_id","value","tags"',
        '"a","Patient/p1","Patient/p1","1.5","[""lab"",""x""]"',
        '"b","Patient/p2","Patient/p2","2","[]"',
    ]
    assert len(ask(house, inline(), __format="text/csv", header="false").splitlines()) == 2
    for table in (
        pq.read_table(pa.BufferReader(ask(house, inline(), __format="parquet"))),
        ipc.open_stream(ask(house, inline(), __format="arrow")).read_all(),
    ):
        assert table.column_names == ["id", "patient", "subject_id", "value", "tags"]
        assert [float(value) for value in table.column("value").to_pylist()] == [1.5, 2.0]


def test_whose_rows_a_view_showed_is_audited(house: House) -> None:
    ask(house, inline(), patient="Patient/p2")
    (_, row), *_ = house.seat(MAIN).home.trail.page()
    assert (row.target, row.patients, row.allowed) == ("script/view/values?persons=0", ("p2",), True)


def test_rows_are_narrowed_to_patients_to_a_time_and_to_a_number(house: House) -> None:
    assert [row["id"] for row in json.loads(ask(house, inline(), patient="p1"))] == ["a"]
    assert len(json.loads(ask(house, inline(), __limit="1"))) == 1
    assert json.loads(ask(house, inline(), __since="2100-01-01T00:00:00Z")) == []
    assert len(json.loads(ask(house, inline(), __since="2020-01-01T00:00:00Z"))) == 2


def test_a_stored_view_is_run_by_its_library_or_its_url(house: House) -> None:
    for named in ("Library/values", "urn:view:stored"):
        assert json.loads(ask(house, viewReference=named)) == [{"n": "a"}, {"n": "b"}]
    by_reference = {"name": "viewReference", "valueReference": {"reference": "Library/values"}}
    assert len(json.loads(ask(house, by_reference))) == 2


def test_posted_resources_are_asked_instead_of_the_lake(house: House) -> None:
    given = {"name": "resource", "resource": observation("z", "p9", 9.25)}
    (row,) = json.loads(ask(house, inline(), given, {"name": "resource", "resource": {"resourceType": "Patient"}}))
    assert (row["id"], row["value"]) == ("z", 9.25)


@pytest.mark.parametrize(
    ("role", "purpose"), [("physician", "TREAT"), ("nurse", "HRESCH"), ("data-manager", "TREAT"), ("patient", "PATRQT")]
)
def test_whoever_may_not_do_research_sees_nothing(house: House, role: Role, purpose: Purpose) -> None:
    for parameters in ((inline(),), (inline(), {"name": "resource", "resource": {"resourceType": "Observation"}})):
        with pytest.raises(Invalid) as refused:
            ask(house, *parameters, caller=asker(role, purpose))
        assert refused.value.status == 403


def test_a_researcher_runs_views_on_what_they_hand_over_but_sees_no_rows_of_the_lake(house: House) -> None:
    given = {"name": "resource", "resource": observation("z", "p9", 1.0)}
    assert len(json.loads(ask(house, inline(), given, caller=asker("researcher")))) == 1
    with pytest.raises(Invalid) as refused:
        ask(house, inline(), caller=asker("researcher"))
    assert refused.value.status == 403
    (_, row), *_ = house.seat(MAIN).home.trail.page()
    assert (row.allowed, row.reason) == (False, "role")


def test_what_ends_a_view_names_the_column_and_no_value(house: House) -> None:
    column = {"name": "g", "path": "name.given", "type": "string"}
    with pytest.raises(Invalid) as refused:
        ask(house, inline({"resource": "Patient", "select": [{"column": [column]}]}))
    assert refused.value.status == 422
    assert refused.value.issues[0].text == "column g: a resource has more than one value, but collection is not set"


@pytest.mark.parametrize(
    ("parameters", "query", "status", "at"),
    [
        ((), {}, 400, "viewResource"),
        ((inline(), inline()), {}, 400, "viewResource"),
        ((inline({"resource": "Patient"}),), {}, 422, "viewResource.ViewDefinition.select"),
        ((inline(),), {"__format": "xml"}, 400, "_format"),
        ((inline(),), {"group": "Group/1"}, 400, "group"),
        ((inline(),), {"source": "file:///etc/passwd"}, 400, "source"),
        ((inline(),), {"patient": "x' OR 1=1"}, 400, "patient"),
        ((inline(),), {"__since": "soon"}, 400, "_since"),
        ((inline(),), {"nothing": "1"}, 400, "nothing"),
        ((), {"viewReference": "Library/none"}, 404, ""),
        ((), {"viewReference": "urn:none"}, 404, "viewReference"),
        ((inline(), {"name": "resource", "resource": {"resourceType": "Observation", "id": 3}}), {}, 422, "resource"),
    ],
)
def test_a_wrong_request_is_refused_with_its_place(
    house: House, parameters: tuple[dict[str, Any], ...], query: dict[str, str], status: int, at: str
) -> None:
    with pytest.raises(Invalid) as refused:
        ask(house, *parameters, **query)
    assert (refused.value.status, refused.value.issues[0].expression) == (status, at)


def test_a_view_reaches_no_file_and_no_other_table(house: House, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n", "utf-8")
    column = {"name": "x", "path": f"'{secret}' & \"' FROM read_csv('{secret}') --\"", "type": "string"}
    with pytest.raises(Invalid):
        ask(house, inline({"resource": "Patient", "select": [{"column": [column]}]}))


def test_a_view_is_written_to_a_file_at_the_keyboard(house: House, tmp_path: Path) -> None:
    definition, output = tmp_path / "view.json", tmp_path / "rows.parquet"
    definition.write_text(json.dumps(VIEW), "utf-8")
    said: list[Any] = []
    args = {"file": str(definition), "output": str(output), "limit": ""}
    assert view(house.hall(asker()), args, said.append) == 0
    assert said[-1]["rows"] == pq.read_table(output).num_rows == 2
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".")] == []
    for wrong, at in (
        ({"output": str(output)}, "output"),
        ({"output": "x.txt"}, "output"),
        ({"limit": "-1", "output": str(tmp_path / "n.csv")}, "limit"),
        ({"file": str(tmp_path / "none"), "output": str(tmp_path / "n.csv")}, "file"),
        ({"file": str(output), "output": str(tmp_path / "n.csv")}, "file"),
    ):
        with pytest.raises(Invalid) as refused:
            view(house.hall(asker()), args | wrong, said.append)
        assert refused.value.issues[0].expression == at
