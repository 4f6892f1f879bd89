"""Flight SQL's messages on the wire: what is written is read, and no bytes whatever do more than be refused."""

from __future__ import annotations

import time

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onmaru.app.flight import messages
from onmaru.app.flight.messages import TABLES, numbers, opened, packed
from onmaru.app.flight.telling import told
from onmaru.fhir.outcome import Invalid


def test_a_message_is_read_as_it_was_written() -> None:
    sql = "SELECT '" + "김" * 200 + "'"
    read = opened(packed(messages.TICKET, {1: sql.encode(), 4: b"TABLE"}))
    assert (read.name, read.text(1), read.texts(4), read.text(2), read.flag(5)) == (
        "TicketStatementQuery",
        sql,
        ["TABLE"],
        None,
        False,
    )


def test_numbers_are_read_packed_or_apart() -> None:
    assert numbers(b"\x00\x08\xac\x02") == [0, 8, 300]


@pytest.mark.parametrize(
    "raw",
    [b"", b"\x0a", b"\x0a\xff", b"\xff" * 11, b"\x0b\x00", b"\x0a\x03abc", packed("X", {1: b"a"})[:-1], b"\x08\x01"],
)
def test_bytes_that_are_no_message_are_refused(raw: bytes) -> None:
    with pytest.raises(Invalid):
        opened(raw)


@settings(max_examples=100)
@given(st.binary(max_size=200))
def test_no_bytes_do_more_than_be_refused(raw: bytes) -> None:
    for one in (raw, packed("X", {1: raw})[:-1], b"\x0a\x35" + messages.PACKAGE.encode() + raw):
        try:
            read = opened(one)
            read.text(1), read.texts(4), read.flag(5)
        except Invalid:
            continue


def test_a_pattern_of_tables_takes_no_longer_however_it_is_made() -> None:
    asked = opened(packed(TABLES, {3: b"%" * 199 + b"!"}))
    started = time.process_time()
    found = told(asked, ["observation" * 20], lambda name: pa.schema([]))
    assert found is not None and found.num_rows == 0
    assert time.process_time() - started < 1
