"""Every operation × every kind of caller: the expected answer, an audit row, and what is hidden leaves no trace."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.journeys.test_gate_matrix import COLUMNS, Gatehouse, _plain
from tests.operation_rows import COMPOSITION, LIBRARY, ROWS, Row

Pair = tuple[Gatehouse, Gatehouse]
HIDDEN = (b'"o1"', b'"o2"', b'"v1"', b'"e1"', b'"k1"')


@pytest.fixture(scope="module")
def gates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """The house of the matrix, and the same where what is hidden from some is not there."""
    folder = tmp_path_factory.mktemp("gates")
    present, absent = Gatehouse(folder / "a", "sqlite"), Gatehouse(folder / "b", "sqlite", hidden=False)
    token = present.house.token("scribe", "system")
    assert present.house.ask("PUT", "/fhir/Composition/k1", COMPOSITION, token=token).status == 201
    for gate in (present, absent):
        keeper = gate.house.token("librarian", "system")
        assert gate.house.ask("PUT", "/fhir/Library/l1", LIBRARY, token=keeper).status == 201
    yield present, absent
    for gate in (present, absent):
        gate.house.close()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.method} {row.name}")
def test_every_caller_gets_the_expected_answer_of_an_operation(gates: Pair, row: Row) -> None:
    present, absent = gates
    got = {}
    present.house.rows()
    for column in COLUMNS:
        head = present.house.tenants["main"].log.head()
        answer = present.ask(row, column)  # type: ignore[arg-type]
        got[column] = str(answer.status)
        added = present.house.added()
        if answer.status in (401, 403, 404):
            assert any(not one.allowed and one.reason for one in added), f"{column}: the denial left no audit row"
            assert present.house.tenants["main"].log.head() == head, f"{column}: denied, yet something was written"
        assert added or present.house.tenants["main"].log.head() > head, f"{column}: no audit row and no entry"
        if column in ("stranger", "barred"):
            assert not any(name in answer.body for name in HIDDEN)
            assert _plain(answer) == _plain(absent.ask(row, column))  # type: ignore[arg-type]
    assert got == dict(zip(COLUMNS, row.expected.split(), strict=True))
