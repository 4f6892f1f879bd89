"""The address of the database holds no password, and statements are put into PostgreSQL's form."""

from __future__ import annotations

from pathlib import Path

import pytest

from onmaru.app.demo.ground import prepared
from onmaru.app.refusal import Refusal
from onmaru.app.settings import load
from onmaru.engines.postgres.link import numbered
from onmaru.engines.postgres.schema import schema_of


@pytest.mark.parametrize(
    "address",
    [
        "",
        "postgresql://onmaru@127.0.0.1/onmaru",
        "postgresql://onmaru@db.example:5433/onmaru?sslmode=verify-full",
        "postgresql://onmaru@/postgres?host=/run/postgresql",
    ],
)
def test_an_address_without_a_password_is_taken(tmp_path: Path, address: str) -> None:
    assert load({"ONMARU_HOME": str(tmp_path), "ONMARU_STORE": address})["store"].value == address


@pytest.mark.parametrize(
    "address",
    [
        "mysql://onmaru@127.0.0.1/onmaru",
        "postgresql://onmaru:secret@127.0.0.1/onmaru",
        "postgresql://onmaru@127.0.0.1/onmaru?password=secret",
        "/var/lib/postgresql",
    ],
)
def test_an_address_with_a_password_or_of_something_else_is_refused_without_being_repeated(
    tmp_path: Path, address: str
) -> None:
    with pytest.raises(Refusal, match="without a password") as refusal:
        load({"ONMARU_HOME": str(tmp_path), "ONMARU_STORE": address})
    assert "secret" not in str(refusal.value)


def test_a_demo_never_writes_into_the_hospitals_database(tmp_path: Path) -> None:
    environ = prepared(tmp_path / "demo", {"ONMARU_STORE": "postgresql://onmaru@127.0.0.1/onmaru"})
    assert load(environ)["store"].value == ""


def test_values_are_numbered_in_order_and_names_once() -> None:
    assert numbered("SELECT t FROM pc WHERE rid = ? AND c = ?") == ("SELECT t FROM pc WHERE rid = $1 AND c = $2", None)
    assert numbered("WHERE a = :low AND b < :high AND c > :low::int8") == (
        "WHERE a = $1 AND b < $2 AND c > $1::int8",
        ["low", "high"],
    )
    assert numbered("SELECT '?' || r.id WHERE x = ?")[0] == "SELECT '?' || r.id WHERE x = $1"


def test_only_a_tenants_name_becomes_a_schemas() -> None:
    assert schema_of("main") == "onmaru-main"
    with pytest.raises(ValueError, match="name"):
        schema_of('main"; DROP SCHEMA x')
