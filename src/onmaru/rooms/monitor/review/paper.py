"""A replay as one HTML file that stands alone and prints: who, when and why, the course drawn, then every event in a table.

Its one law: it says of each moment what was known then, and runs nothing: no script, no address.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from html import escape
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from onmaru.rooms.monitor.review import drawing
from onmaru.rooms.monitor.review.words import word

MINUTE = 60_000_000
ROWS = 3000
SHOWN = {"mm[Hg]": "mmHg", "Cel": "°C"}
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
STYLE = """body{font:14px/1.45 system-ui,"Noto Sans CJK KR","Malgun Gothic",sans-serif;margin:20px;color:#111}
h1{font-size:20px;margin:0 0 4px}h2{font-size:16px;margin:18px 0 6px}p{margin:2px 0}.quiet{color:#555}
table{border-collapse:collapse;width:100%;font-size:12.5px}
th,td{border-bottom:1px solid #ccc;padding:3px 8px;text-align:left;vertical-align:top}
th{background:#f2f2f2}td:first-child{white-space:nowrap}tr[data-kind=alert] td{font-weight:700}
svg{width:100%;height:auto}tr{break-inside:avoid}thead{display:table-header-group}
@media print{body{margin:0;font-size:11px}table{font-size:10px}}"""


class Head(msgspec.Struct, frozen=True):
    """`who`: name, number and birth date, or None where names are left out; `by`: who took the file; `at`: µs."""

    who: Mapping[str, str] | None
    by: str
    at: int
    purpose: str
    zone: str
    language: str

    def named(self) -> dict[str, Any]:
        """What the file says of the person."""
        return {"who": dict(self.who or {}), "by": self.by}


def who(body: Mapping[str, Any]) -> dict[str, str]:
    """Name, number and birth date of a Patient, as written."""
    name: Mapping[str, Any] = next(iter(body.get("name") or ()), {})
    written = name.get("text") or " ".join([*name.get("given", ()), name.get("family", "")]).strip()
    number = next((str(one["value"]) for one in body.get("identifier") or () if one.get("value")), "")
    return {"name": str(written), "number": number, "birthDate": str(body.get("birthDate", ""))}


def page(whole: Mapping[str, Any], head: Head) -> str:
    """The whole file of `{from, to, fresh, events}`."""
    paper = _Paper(whole, head)
    title = escape(paper.word("title"))
    return (
        f'<!doctype html><html lang="{head.language}"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}"><meta name="viewport" '
        f'content="width=device-width"><style>{STYLE}</style></head><body><main><h1>{title}</h1>{paper.head()}'
        f"{paper.drawn()}{paper.table()}</main></body></html>"
    )


class _Paper:
    def __init__(self, whole: Mapping[str, Any], head: Head) -> None:
        self._whole, self._head = whole, head
        self._zone = _zone(head.zone)

    def word(self, key: str, **parts: object) -> str:
        return word(self._head.language, f"review.{key}", **parts)

    def head(self) -> str:
        head = self._head
        lines: list[str] = []
        if head.who is None:
            lines += [self.word("nameless"), self.word("long", n=_clock(self._whole["to"] - self._whole["from"]))]
        else:
            lines.append(" · ".join(filter(None, head.who.values())))
            lines.append(f"{self._time(self._whole['from'])} – {self._time(self._whole['to'])}")
            lines.append(self.word("taken", by=head.by, at=self._time(head.at)))
        lines += [self.word(f"purpose.{head.purpose}"), self.word("law")]
        return "".join(f"<p>{escape(one)}</p>" for one in lines)

    def drawn(self) -> str:
        names = {one: self.word(f"measure.{one}") for one in drawing.MEASURES}
        drawn = drawing.svg(
            self._whole,
            {**names, "score": "NEWS2", "alert": self.word("kind.alert"), "course": self.word("course")},
            self._time,
        )
        return f"<h2>{escape(self.word('course'))}</h2>{drawn}"

    def table(self) -> str:
        rows = [one for one in self._whole["events"] if one["at"] >= self._whole["from"]]
        said = self.word("more", shown=ROWS, total=len(rows)) if len(rows) > ROWS else ""
        head = "".join(f"<th>{escape(self.word(name))}</th>" for name in ("known", "kind_", "what_"))
        body = "".join(
            f'<tr data-kind="{one["kind"]}"><td>{escape(self._time(one["at"]))}</td>'
            f"<td>{escape(self.word('kind.' + one['kind']))}</td><td>{escape(self._said(one))}</td></tr>"
            for one in rows[:ROWS]
        )
        return (
            f'<h2>{escape(self.word("events"))}</h2><p class="quiet">{escape(said)}</p>'
            f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        )

    def _said(self, one: Mapping[str, Any]) -> str:
        said: str = getattr(self, f"_{one['kind']}")(one)
        return said

    def _reading(self, one: Mapping[str, Any]) -> str:
        if one["what"] == "gone":
            return self.word("withdrawn")
        values = ", ".join(
            f"{self.word('measure.' + each['measure'])} {each['value']} {SHOWN.get(each['unit'], each['unit'])}".strip()
            for each in one["readings"]
        )
        measured = min(each["at"] for each in one["readings"])
        late = self.word("measured", at=self._time(measured)) if one["at"] - measured > 15 * MINUTE else ""
        return " ".join(filter(None, (values, self.word("corrected") if one["what"] == "changed" else "", late)))

    def _score(self, one: Mapping[str, Any]) -> str:
        total = str(one["total"]) if one["total"] is not None else f"{one['least']}–{one['most']}"
        unknown = [self.word(f"part.{part['name']}") for part in one["parts"] if part["state"] != "scored"]
        return f"NEWS2 {total}" + (f" ({self.word('unknown', what=', '.join(unknown))})" if unknown else "")

    def _limit(self, one: Mapping[str, Any]) -> str:
        return " ".join((self.word(f"what.{one['what']}"), one["rule"], str(one["value"])))

    def _alert(self, one: Mapping[str, Any]) -> str:
        if one["what"] == "gone":
            return self.word("withdrawn")
        said = (
            self.word(f"what.{one['what']}"),
            self.word(f"rule.{one['rule']}"),
            self.word(f"urgency.{one['urgency']}"),
        )
        return " · ".join(filter(None, (*said, one.get("text", ""))))

    def _step(self, one: Mapping[str, Any]) -> str:
        text = "" if one["text"] == one["code"] else one["text"]
        first, _, rest = text.partition(" ")
        known = self.word(f"act.{first}") if first else ""
        return " · ".join(filter(None, (self.word(f"step.{one['code']}"), f"{known} {rest}".strip(), one["by"])))

    def _told(self, one: Mapping[str, Any]) -> str:
        rung = self.word(f"rung.{one['rung']}")
        if one["reached"] is not None:
            return " · ".join(filter(None, (rung, self.word("shown"), one["reader"])))
        return " · ".join((rung, one["users"] or self.word("nobody")))

    def _care(self, one: Mapping[str, Any]) -> str:
        called = one.get("text") or one["code"].rpartition("|")[2]
        what = self.word("withdrawn") if one["what"] == "gone" else one["status"]
        return " · ".join(filter(None, (self.word(f"care.{one['type']}"), called, what)))

    def _time(self, at: int) -> str:
        """In the hospital's zone; where names are left out, since the start."""
        if self._head.who is None:
            return _clock(at)
        return f"{datetime.fromtimestamp(at / 1_000_000, UTC).astimezone(self._zone):%Y-%m-%d %H:%M:%S}"


def _clock(at: int) -> str:
    """µs as hours, minutes and seconds: `+26:05:00`."""
    seconds = abs(at) // 1_000_000
    return f"{'-' if at < 0 else '+'}{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
