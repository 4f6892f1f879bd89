"""The bytes of a file as they are meant: taken out of their gzip archive, and of which format."""

from __future__ import annotations

import gzip
import io
import zlib

from onmaru.fhir.outcome import Invalid, Issue

# What is no NDJSON is looked at as one whole, which takes several times its size of memory
MAX_UNPACKED = 128 << 20
_PART = 1 << 20


def detect(data: bytes) -> str:
    """`hl7v2`, `fhir` or "" by the first bytes that are no white space."""
    head = data[:4096].removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n\x0b")
    if head[:3] in (b"MSH", b"FHS", b"BHS"):
        return "hl7v2"
    return "fhir" if head[:1] == b"{" else ""


def unpacked(data: bytes) -> bytes:
    """Bytes without gzip, at most 128 MiB; Invalid (413, 400) for more or for a broken archive."""
    if data[:2] != b"\x1f\x8b":
        return data
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            whole = bytearray()
            while len(whole) <= MAX_UNPACKED and (part := file.read(_PART)):
                whole += part
    except (OSError, EOFError, zlib.error) as error:
        raise Invalid(_issue("structure", "the gzip archive is broken"), 400) from error
    if len(whole) > MAX_UNPACKED:
        raise Invalid(_issue("too-long", "the file unpacks to more than 128 MiB"), 413)
    return bytes(whole)


def _issue(code: str, text: str) -> list[Issue]:
    return [Issue(code, text)]
