"""The bytes of a file as they are meant: taken out of their gzip archive, and of which format."""

from __future__ import annotations

import gzip
import io
import zlib

from onmaru.fhir.outcome import Invalid, Issue

MAX_UNPACKED = 1 << 30


def detect(data: bytes) -> str:
    """`hl7v2`, `fhir` or "" by the first bytes that are no white space."""
    head = data[:4096].removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n\x0b")
    if head[:3] in (b"MSH", b"FHS", b"BHS"):
        return "hl7v2"
    return "fhir" if head[:1] == b"{" else ""


def unpacked(data: bytes) -> bytes:
    """Bytes without gzip, at most 1 GiB; Invalid (413, 400) for more or for a broken archive."""
    if data[:2] != b"\x1f\x8b":
        return data
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            whole = file.read(MAX_UNPACKED + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise Invalid(_issue("structure", "the gzip archive is broken"), 400) from error
    if len(whole) > MAX_UNPACKED:
        raise Invalid(_issue("too-long", "the file unpacks to more than 1 GiB"), 413)
    return whole


def _issue(code: str, text: str) -> list[Issue]:
    return [Issue(code, text)]
