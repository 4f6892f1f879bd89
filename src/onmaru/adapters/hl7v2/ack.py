"""Acknowledgements (HL7 v2.9 chapter 2.9): MSA and, for a refusal, ERR with place, code and text."""

from __future__ import annotations

from collections.abc import Sequence

from onmaru.adapters.hl7v2.er7 import Segment, header
from onmaru.adapters.hl7v2.refused import DATA_TYPE

NO_TIME = "not a possible time; kept as it came"
MOST = 10
_ENHANCED = {"AA": "CA", "AE": "CE", "AR": "CR"}


def _safe(text: str) -> str:
    for char, code in (("\\", "\\E\\"), ("|", "\\F\\"), ("^", "\\S\\"), ("&", "\\T\\"), ("~", "\\R\\")):
        text = text.replace(char, code)
    return " ".join(text.split())


def acknowledge(
    data: bytes,
    ack: str,
    stamp: str,
    refusal: tuple[str, str, str] = ("", "", ""),
    warnings: Sequence[str] = (),
) -> bytes:
    """The ACK for a message. `refusal` is (code of table 0357, text, location SEG^n^field); `stamp` is MSH-7.

    `warnings` are the places of fields that were taken, but hold no time: an ERR of severity W each, at most ten.

    Sender and receiver change places. In enhanced mode (MSH-15 or MSH-16 valued) MSH-15 asks for a commit
    acknowledgement: the answer says CA, CE or CR, because what is acknowledged is that the message is kept.
    """
    msh = header(data)
    code, text, location = refusal
    control = msh.first(10).raw if msh else ""
    if msh is not None and msh.field(15) and not msh.field(16):
        ack = _ENHANCED[ack]
    trigger = msh.c(9, 2) if msh else ""
    kind = f"ACK^{trigger}^ACK" if trigger else "ACK"
    parties = [_field(msh, number) for number in (5, 6, 3, 4)]
    version = msh.c(12) if msh and msh.c(12).startswith("2.") else "2.5.1"
    answer = f"ACK{control}"[:199] if control else f"ACK{stamp}"
    lines = ["|".join(["MSH", "^~\\&", *parties, stamp, "", kind, _safe(answer), _field(msh, 11) or "P", version])]
    lines[0] += "||||||UNICODE UTF-8"
    lines.append(f"MSA|{ack}|{_plain(msh, control)}" + (f"|{_safe(text)[:80]}" if text else ""))
    if code:
        lines.append(f"ERR||{location}|{code}^^HL70357|E||||{_safe(text)}")
    lines += [f"ERR||{place}|{DATA_TYPE}^^HL70357|W||||{NO_TIME}" for place in warnings[:MOST]]
    return ("\r".join(lines) + "\r").encode()


def _plain(msh: Segment | None, raw: str) -> str:
    return _safe(msh.delimiters.text(raw)) if msh else ""


def _field(msh: Segment | None, number: int) -> str:
    """A field of the sender's header in the delimiters of our answer."""
    if msh is None:
        return ""
    parts = [_safe(msh.delimiters.text(part)) for part in msh.first(number).parts]
    return "^".join(parts)


def wanted(data: bytes, ack: str) -> bool:
    """Whether the sender wants this answer: MSH-15 (or 16) AL always, NE never, ER on refusal, SU on success."""
    msh = header(data)
    if msh is None:
        return True
    asked = msh.c(15) or msh.c(16)
    return asked in ("", "AL") or (asked == "ER" and ack != "AA") or (asked == "SU" and ack == "AA")
