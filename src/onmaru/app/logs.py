"""What the server says to its log, as lines of text or of JSON; never anything that came out of a record.

Our own lines are fixed texts (a test reads every call); of what a library says, and of exceptions, only the kind is kept.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime

import msgspec

from onmaru.app.refusal import verdict

OURS = "onmaru"
# Of a library's line: its first line without the values put into it
FOREIGN_AT_MOST = 120


class Plain(logging.Formatter):
    """`2026-11-23T05:00:00.000Z INFO onmaru: serving`."""

    def format(self, record: logging.LogRecord) -> str:
        fault = _fault(record)
        tail = f" ({fault})" if fault else ""
        return f"{_at(record)} {record.levelname} {record.name}: {_said(record)}{tail}"


class Json(logging.Formatter):
    """One object a line: `at`, `level`, `logger`, `text`, and `fault` where an exception was told of."""

    def format(self, record: logging.LogRecord) -> str:
        line = {"at": _at(record), "level": record.levelname, "logger": record.name, "text": _said(record)}
        fault = _fault(record)
        if fault:
            line["fault"] = fault
        return msgspec.json.encode(line).decode()


FORMS = {"text": Plain, "json": Json}


def begin(form: str, level: str) -> None:
    """Log to stderr from now on, everything of this process and in no other form."""
    handler = logging.StreamHandler()
    handler.setFormatter(FORMS[form]())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())


def _at(record: logging.LogRecord) -> str:
    stamp = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    return stamp.removesuffix("+00:00") + "Z"


def _said(record: logging.LogRecord) -> str:
    if record.name.split(".")[0] == OURS:
        return record.getMessage()
    # asyncio quotes the exception of a lost task from its second line on
    return str(record.msg).partition("\n")[0][:FOREIGN_AT_MOST]


def _fault(record: logging.LogRecord) -> str:
    """The kind and place of an exception; its own text may quote what was being read."""
    error = record.exc_info[1] if record.exc_info else None
    if error is None:
        return ""
    return verdict(error)[0] if isinstance(error, Exception) else type(error).__name__
