"""Acknowledgements in original and in enhanced mode (HL7 v2.9 chapter 2.9.2 and 2.9.3)."""

from __future__ import annotations

import pytest

from onmaru.adapters.hl7v2.ack import acknowledge, wanted


def message(accept: str, application: str) -> bytes:
    return f"MSH|^~\\&|EMR|HOSP|ONMARU|HUB|20260301||ADT^A08|C7|P|2.5.1|||{accept}|{application}\rPID|1\r".encode()


@pytest.mark.parametrize(
    ("accept", "application", "said"),
    [("", "", "AE"), ("AL", "", "CE"), ("ER", "", "CE"), ("AL", "AL", "AE"), ("NE", "AL", "AE")],
)
def test_a_commit_acknowledgement_answers_msh_15_alone(accept: str, application: str, said: str) -> None:
    answer = acknowledge(message(accept, application), "AE", "20260301", ("101", "PID-3 is missing", "PID^1^3"))
    head, msa, err = answer.decode().split("\r")[:3]
    assert head.startswith("MSH|^~\\&|ONMARU|HUB|EMR|HOSP|20260301||ACK^A08^ACK|")
    assert msa.startswith(f"MSA|{said}|C7")
    assert err.startswith("ERR||PID^1^3|101^^HL70357|E|")


@pytest.mark.parametrize(("ack", "said"), [("AA", "CA"), ("AE", "CE"), ("AR", "CR")])
def test_each_answer_has_its_commit_form(ack: str, said: str) -> None:
    assert f"\rMSA|{said}|C7" in acknowledge(message("AL", ""), ack, "20260301").decode()


@pytest.mark.parametrize(
    ("accept", "taken", "refused"),
    [("", True, True), ("AL", True, True), ("NE", False, False), ("ER", False, True), ("SU", True, False)],
)
def test_the_sender_is_answered_when_it_asked_to_be(accept: str, taken: bool, refused: bool) -> None:
    assert (wanted(message(accept, ""), "AA"), wanted(message(accept, ""), "AE")) == (taken, refused)


def test_what_has_no_header_is_answered_all_the_same() -> None:
    assert wanted(b"PID|1", "AR")
    assert b"MSA|AR|" in acknowledge(b"PID|1", "AR", "20260301", ("100", "first segment is not MSH", "MSH^1"))
