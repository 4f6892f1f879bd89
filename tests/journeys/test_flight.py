"""The lake by Arrow Flight SQL with a real client of its own, ADBC's: what it is told, what it is refused, what is noted."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from adbc_driver_flightsql import DatabaseOptions, dbapi
from adbc_driver_manager import Error
from tests.served import Served, free_port

from onmaru.app.flight.desk import secret
from onmaru.app.house import House, place
from onmaru.kernel.accounts import User
from onmaru.kernel.caller import Role

RESEARCH = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "HRESCH"}
REFUSAL = {
    "resourceType": "Consent", "id": "c1", "status": "active", "patient": {"reference": "Patient/p2"},
    "scope": {"coding": [{"code": "patient-privacy"}]}, "category": [{"text": "연구"}], "policyRule": {"text": "거부"},
    "provision": {"type": "permit", "provision": [{"type": "deny", "purpose": [RESEARCH]}]},
}  # fmt: skip
PATIENTS = "SELECT id, birthDate FROM Patient ORDER BY id"
SEEN = [("p1", "1980-01-01"), ("p3", "1980-01-03")]


class Flying(Served):
    """A served house that answers SQL clients: three patients, of whom the second refuses research."""

    def __init__(self, folder: Any) -> None:
        self.flight_port = free_port()
        super().__init__(folder, f"flight_port = {self.flight_port}\n")
        physician = self._token("physician")
        self.tokens = {"physician": physician, "narrow": self._token("data-manager", "user/Slot.rs")}

    def _token(self, role: Role, scopes: str = "") -> str:
        house = House(place(self.environ), rooms=())
        user = User("main", f"a-{role}", role, (role,))
        house.logins.keep_user(user)
        return house.logins.issue(user, scopes)[0]

    @contextmanager
    def asking(self, token: str = "", **more: str) -> Iterator[Any]:
        """A cursor of somebody who shows a token."""
        shown = {DatabaseOptions.AUTHORIZATION_HEADER.value: f"Bearer {token}"} if token else {}
        address = f"grpc://127.0.0.1:{self.flight_port}"
        with dbapi.connect(address, db_kwargs={**shown, **more}, autocommit=True) as line, line.cursor() as cursor:
            yield cursor


@pytest.fixture(scope="module")
def flying(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flying]:
    with Flying(tmp_path_factory.mktemp("flight")) as made:
        for number in (1, 2, 3):
            body = {"resourceType": "Patient", "id": f"p{number}", "birthDate": f"1980-01-0{number}"}
            assert made.ask("PUT", f"Patient/p{number}", json.dumps(body).encode(), made.token) == 201
        assert made.ask("PUT", "Consent/c1", json.dumps(REFUSAL).encode(), made.token) == 201
        yield made


def test_a_client_gets_the_rows_that_its_token_may_see_and_that_is_noted(flying: Flying) -> None:
    with flying.asking(flying.token) as cursor:
        cursor.execute(PATIENTS)
        assert cursor.fetchall() == SEEN
    _, trail = flying.get("/api/audit")
    (noted,) = [row for row in trail["items"] if row["path"].startswith(f"script/flight: {PATIENTS}")]
    assert noted["user"] == "keeper" and noted["outcome"] == "success"


def test_a_name_and_the_token_as_password_are_a_login(flying: Flying) -> None:
    with flying.asking(username="keeper", password=flying.token) as cursor:
        cursor.execute(PATIENTS)
        assert cursor.fetchall() == SEEN


@pytest.mark.parametrize(
    ("who", "told"), [("physician", "not permitted"), ("", "a valid token"), ("x", "a valid token")]
)
def test_whoever_may_not_see_is_told_nothing_and_noted(flying: Flying, who: str, told: str) -> None:
    with pytest.raises(Error, match=told), flying.asking(flying.tokens.get(who, who)) as cursor:
        cursor.execute(PATIENTS)
    _, trail = flying.get("/api/audit")
    name = {"physician": "a-physician", "narrow": "a-data-manager"}.get(who, "")
    denied = [row for row in trail["items"] if "flight" in row["path"] and row["outcome"] != "success"]
    assert name in {row["user"] for row in denied}


def test_an_answer_comes_in_batches(flying: Flying) -> None:
    with flying.asking(flying.token) as cursor:
        cursor.execute("SELECT range AS n FROM range(50000)")
        sizes = [batch.num_rows for batch in cursor.fetch_record_batch()]
    assert sum(sizes) == 50_000 and max(sizes) <= 16_384


@pytest.mark.parametrize(
    "sql",
    [
        "DROP TABLE Patient", "COPY Patient TO '/tmp/x'", "SELECT * FROM read_csv('/etc/passwd')", "SELECT 1; SELECT 2",
        "SELECT * FROM duckdb_settings()", "SELECT * FROM \"__Patient\"", "SELECT CAST(birthDate AS INTEGER) FROM Patient",
        "SELECT absent FROM Patient", "ATTACH 'x'", "",
    ],
)  # fmt: skip
def test_what_is_no_question_of_the_lake_is_refused_without_a_value(flying: Flying, sql: str) -> None:
    with pytest.raises(Error) as refused, flying.asking(flying.token) as cursor:
        cursor.execute(sql)
        cursor.fetchall()
    assert not any(word in str(refused.value) for word in ("1980", "Traceback", "onmaru/app", "root:"))


def test_a_client_finds_the_tables_and_their_columns(flying: Flying) -> None:
    address, header = f"grpc://127.0.0.1:{flying.flight_port}", DatabaseOptions.AUTHORIZATION_HEADER.value
    with dbapi.connect(address, db_kwargs={header: f"Bearer {flying.token}"}, autocommit=True) as line:
        assert line.adbc_get_info()["vendor_name"] == "Onmaru" and line.adbc_get_table_types() == ["TABLE"]
        assert {"_source", "id", "birthDate"} <= set(line.adbc_get_table_schema("Patient").names)
        (catalog,) = line.adbc_get_objects(depth="tables", table_name_filter="Pat%").read_all().to_pylist()
    (schema,) = catalog["catalog_db_schemas"]
    assert [table["table_name"] for table in schema["db_schema_tables"]] == ["Patient"]


def test_a_token_is_read_from_either_kind_of_header() -> None:
    whole, bare = b64encode(b"kim:t").decode(), b64encode(b"kim:t").decode().rstrip("=")
    headers = ["Bearer t", "bearer  t ", f"Basic {whole}", f"basic {bare}"]
    assert {secret(one) for one in headers} == {"t"}
    assert {secret(one) for one in ("", "t", "Basic é", "Basic !!!", "Digest t")} == {""}
