"""ER7: delimiters, escapes, nulls, line ends, character sets, batches and refusals."""

from __future__ import annotations

import pytest

from onmaru.adapters.hl7v2 import charset, er7
from onmaru.adapters.hl7v2.refused import Refused

HEAD = "MSH|^~\\&|APP|FAC|R|F|20260301120000+0900||ADT^A01^ADT_A01|1|P|2.5.1"


def message(*lines: str, end: str = "\r") -> bytes:
    return end.join([HEAD, *lines]).encode()


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_every_line_end_separates_segments(end: str) -> None:
    read = er7.parse(message("PID|1||7^^^MRN", "PV1|1|I", end=end))
    assert [segment.name for segment in read.segments] == ["MSH", "PID", "PV1"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (r"a\F\b", "a|b"),
        (r"a\S\b\T\c\R\d\E\e", "a^b&c~d\\e"),
        (r"one\.br\two", "one\ntwo"),
        (r"\X41\\X42\c", "ABc"),
        (r"loud \H\word\N\ again", "loud word again"),
        ("open \\ end", "open \\ end"),
        (r"\Zlocal\kept", r"\Zlocal\kept"),
    ],
)
def test_escapes_are_resolved_and_unknown_ones_stay(written: str, meant: str) -> None:
    assert er7.parse(message(f"NTE|1||{written}")).segments[1].c(3) == meant


def test_an_escaped_delimiter_does_not_split_the_field() -> None:
    field = er7.parse(message(r"PID|1||7||DOE\T\SMITH^JO\S\HN")).segments[1].first(5)
    assert (field.c(1), field.c(2)) == ("DOE&SMITH", "JO^HN")


def test_the_message_sets_its_own_delimiters() -> None:
    read = er7.parse(b"MSH#!@%*#S#F#R#F#20260301##ADT!A01#9#P#2.5\rPID#1##12!!!MRN*X@13")
    assert [one.c(1) for one in read.segments[1].repetitions(3)] == ["12", "13"]
    assert read.segments[1].first(3).c(4, 2) == "X"


def test_null_is_not_absence() -> None:
    pid = er7.parse(message('PID|1||7|||""||')).segments[1]
    assert pid.null(6)
    assert not pid.null(7)
    assert list(pid.populated()) == [1, 3, 6]


@pytest.mark.parametrize(
    ("declared", "codec"),
    [("UNICODE UTF-8", "utf-8"), ("KS X 1001", "cp949"), ("", "utf-8"), ("", "cp949"), ("EUC-KR", "cp949")],
)
def test_korean_names_are_read_in_every_character_set(declared: str, codec: str) -> None:
    head = HEAD + "|" * 6 + declared
    data = f"{head}\rPID|1||7||미음^히읗".encode(codec)
    assert er7.parse(data).segments[1].c(5, 2) == "히읗"


def test_latin_1_is_told_from_korean() -> None:
    assert charset.guess("MÜLLER JOSÉ".encode("latin-1")) == ("MÜLLER JOSÉ", "iso8859-1")


def test_a_wrong_declaration_is_noted() -> None:
    head = HEAD + "|" * 6 + "UNICODE UTF-8"
    read = er7.parse(f"{head}\rPID|1||7||홍^길동".encode("cp949"))
    assert read.codec == "cp949"
    assert read.notes


@pytest.mark.parametrize(
    ("data", "ack", "code"),
    [
        (b"PID|1||12345\rPV1|1|I", "AR", "100"),
        (b"", "AR", "100"),
        (b"MSH|", "AR", "100"),
        (b"MSH|^^\\&|A", "AR", "100"),
        (message("PIDX|1||7"), "AE", "100"),
        (message("PV|1|I"), "AE", "100"),
        (b"MSH|^~\\&|A|F|R|F|20260301||ADT^A01|1|P|1.0\rPID|1||7", "AR", "203"),
        (b"MSH|^~\\&|A|F|R|F|20260301|||1|P|2.5", "AR", "200"),
        (b"MSH|^~\\&|A|F|R|F|20260301||ADT^A01||P|2.5", "AE", "101"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(data: bytes, ack: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        er7.parse(data)
    assert (refused.value.ack, refused.value.code) == (ack, code)
    assert refused.value.text


def test_empty_fields_at_the_end_are_legal() -> None:
    assert er7.parse(message("PID|1||7||DOE^JOHN|||||||||")).segments[1].c(5) == "DOE"


def test_a_batch_is_cut_into_its_messages() -> None:
    one = HEAD + "\rPID|1||7\r"
    data = f"FHS|^~\\&|A\rBHS|^~\\&|A\r{one}{one}BTS|2\rFTS|1\r".encode()
    assert len(er7.split(data)) == 2
    assert er7.batch_count(data) == 2


def test_bytes_before_the_first_header_are_not_lost() -> None:
    pieces = er7.split(b"PID|1||9\r" + message("PID|1||7"))
    assert [piece[:3] for piece in pieces] == [b"PID", b"MSH"]
