"""What a ward needs when the server is away: one page a ward that stands alone, with everybody who lies there.

It says what the header of the journey says and nothing else, and from when it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from html import escape
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from onmaru.fhir.outcome import Invalid
from onmaru.kernel.room import Hall
from onmaru.rooms.journey import views
from onmaru.rooms.journey.asking import rows
from onmaru.rooms.journey.printing import years
from onmaru.rooms.journey.summary import collect
from onmaru.rooms.journey.units import written
from onmaru.rooms.journey.words import strings, word

STYLE = """body{font:14px/1.45 system-ui,"Noto Sans CJK KR","Malgun Gothic",sans-serif;margin:16px;color:#111}
h1{font-size:20px;margin:0}h2{font-size:17px;margin:0 0 4px}h3{font-size:13px;margin:8px 0 0;color:#444}
article{border:1px solid #999;border-radius:6px;padding:10px 12px;margin:12px 0;break-inside:avoid}
ul{margin:2px 0 0 18px;padding:0}.alert{color:#a00;font-weight:700}.quiet{color:#555}.age{font-weight:700}
@media print{body{margin:0;font-size:11px}article{border-color:#000}}"""


class Ward(NamedTuple):
    """One ward's page: `html` is a whole document body with its title."""

    id: str
    name: str
    patients: int
    title: str
    html: str


def wards(hall: Hall, now: datetime, zone: ZoneInfo) -> Iterator[Ward | None]:
    """A page for each ward with somebody on it; None after each patient, so that others can be answered in between."""
    for ward in rows(hall, views.WARDS, {}):
        sheets: list[str] = []
        for patient in _lying(hall, ward["id"]):
            try:
                sheets.append(Sheet(hall, collect(hall, patient), now.astimezone(zone)).html())
            except Invalid as error:
                if error.status != 404:
                    raise
            yield None
        name = ward["name"] or ward["id"]
        title = word(hall.language, "packet.title", ward=name)
        made = f"{now.astimezone(zone):%Y-%m-%d %H:%M}"
        count = word(hall.language, "packet.count", n=len(sheets))
        head = f"<h1>{escape(title)}</h1><p>{escape(word(hall.language, 'packet.made', at=made))} · {escape(count)}</p>"
        warning = f'<p class="alert">{escape(word(hall.language, "packet.warning"))}</p>'
        yield Ward(ward["id"], name, len(sheets), title, head + warning + "".join(sheets))


def _lying(hall: Hall, ward: str) -> Iterator[str]:
    """Everybody on a ward, in the order of the list."""
    name = after = ""
    while True:
        asked = {"find": "", "number": "", "name": name, "after": after, "count": views.PAGE, "ward": ward}
        page = rows(hall, views.ON_WARD, asked)
        for row in page:
            if not row["survivor"]:
                yield row["patient"]
        if len(page) < views.PAGE:
            return
        name, after = page[-1]["name_key"], page[-1]["patient"]


class Sheet:
    """One patient. `content` is what `summary.collect` gives; all of it is escaped, for it is what somebody typed."""

    def __init__(self, hall: Hall, content: dict[str, Any], now: datetime) -> None:
        self._language, self._content, self._now = hall.language, content, now

    def html(self) -> str:
        """The patient's part of the page."""
        facts = [self._facts(section) for section in ("allergies", "warnings", "problems", "medications")]
        return f"<article>{self._who()}{self._stay()}{''.join(facts)}{self._vitals()}</article>"

    def _who(self) -> str:
        who = self._content["patient"]
        age = years(who["birthDate"], self._now)
        parts = [
            f"{self._word('number')} {who['identifier'] or '—'}",
            f"{self._word('birth')} {who['birthDate'] or '—'}",
            self._word("age", years=age) if age is not None else "",
            self._word(f"sex.{who['gender']}") if who["gender"] else "",
            self._word("deceased") if who["deceased"] else "",
        ]
        alike = f'<p class="alert">{escape(self._word("namesake"))}</p>' if self._content["namesakes"] else ""
        return f"<h2>{escape(who['name'] or '—')}</h2><p>{_joined(parts)}</p>{alike}"

    def _stay(self) -> str:
        stay = self._content["encounter"]
        if not stay:
            return ""
        what = stay[self._language] or stay["class"]
        called = self._word(f"class.{what}") if f"class.{what}" in strings(self._language) else what
        parts = [stay["ward"], stay["bed"], self._moment(stay["start"]), called, stay["reason"], stay["actor"]]
        return f"<p>{_joined(parts)}</p>"

    def _facts(self, section: str) -> str:
        facts = self._content[section]
        if section == "warnings" and not facts:
            return ""
        mark = ' class="alert"' if section in ("allergies", "warnings") else ""
        lines = []
        for fact in facts:
            severity = self._word(f"severity.{fact['severity']}") if fact["severity"] else ""
            parts = [fact[self._language] or fact["code"], severity, fact["detail"], self._moment(fact["at"])]
            lines.append(f"<li{mark}>{_joined(parts)}</li>")
        return self._section(section, lines)

    def _vitals(self) -> str:
        lines = []
        for vital in self._content["vitals"]:
            flag = self._word(f"flag.{vital['flag']}") if vital["flag"] else ""
            parts = [vital[self._language], written(vital["value"], vital["unit"]), flag, self._moment(vital["at"])]
            lines.append(f'<li class="alert">{_joined(parts)}</li>' if flag else f"<li>{_joined(parts)}</li>")
        return self._section("vitals", lines)

    def _section(self, name: str, lines: Sequence[str]) -> str:
        none = f'<p class="quiet">{escape(self._word("none"))}</p>'
        shown = "<ul>" + "".join(lines) + "</ul>" if lines else none
        return f"<h3>{escape(self._word(name))}</h3>{shown}"

    def _word(self, key: str, **parts: object) -> str:
        return word(self._language, key, **parts)

    def _moment(self, text: str) -> str:
        """A time in the hospital's zone; a date, and a time that names no zone, as written."""
        start = (text or "").partition("/")[0]
        try:
            read = datetime.fromisoformat(start) if "T" in start else None
        except ValueError:
            read = None
        if read is None or read.tzinfo is None:
            return start
        return f"{read.astimezone(self._now.tzinfo):%Y-%m-%d %H:%M}"


def _joined(parts: Sequence[str]) -> str:
    return " · ".join(escape(part) for part in parts if part)
