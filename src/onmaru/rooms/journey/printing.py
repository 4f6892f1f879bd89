"""GET print.pdf: the header and the course in a window on A4, with number, birth date and sex on every page."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from onmaru.kernel.room import Hall, Request, Response
from onmaru.rooms.journey import listing
from onmaru.rooms.journey.asking import EVER, asked, contains, identifier, kinds, time, whole
from onmaru.rooms.journey.chart import chart
from onmaru.rooms.journey.sheet import ALERT, INK, QUIET, Sheet
from onmaru.rooms.journey.summary import collect
from onmaru.rooms.journey.units import written
from onmaru.rooms.journey.words import strings, word

PRINT_MOST = 300


def print_pdf(request: Request, hall: Hall) -> Response:
    """A PDF; `from`, `to`, `kinds`, `flagged` and `q` choose the items. What is left out is counted on the paper."""
    found = asked(request, ("from", "to", "kinds", "flagged", "q"))
    patient = identifier(request, "id")
    person = chart(hall, patient)
    window = {
        "start": time(found, "from", -EVER),
        "stop": time(found, "to", EVER),
        "kinds": kinds(found),
        "flagged": whole(found, "flagged", 0, (0, 1)),
        "encounter": "",
        "text": contains(found.get("q", "").strip()),
    }
    open_ended = not {"from", "to"} & set(found)
    most = int(hall.settings.get("print_most", PRINT_MOST))
    shown = listing.page(hall, person, window, listing.Cursor(EVER, "", False), most, open_ended=open_ended)
    total = sum(listing.total(hall, one, window, open_ended=open_ended) for one in person.ids)
    paper = Paper(hall, collect(hall, patient), datetime.now(UTC))
    lines = [listing.line(row) for row in shown]
    return Response(
        200,
        partial(paper.draw, lines, total),
        "application/pdf",
        (("Cache-Control", "no-store"), ("Content-Disposition", f'inline; filename="journey-{patient}.pdf"')),
    )


class Paper:
    """One print: `content` is what `summary.collect` gives, `now` the time of printing."""

    def __init__(self, hall: Hall, content: dict[str, Any], now: datetime) -> None:
        self._language, self._by = hall.language, hall.caller.user
        self._content = content
        self._zone = _zone(str(hall.settings.get("zone", "Asia/Seoul")))
        self._now = now.astimezone(self._zone)
        who = content["patient"]
        sex = self._word(f"sex.{who['gender']}") if who["gender"] else ""
        old = years(who["birthDate"], self._now)
        facts = [
            f"{self._word('number')} {who['identifier'] or '—'}",
            f"{self._word('birth')} {who['birthDate'] or '—'}",
            self._word("age", years=old) if old is not None else "",
            sex,
            self._word("deceased") if who["deceased"] else "",
        ]
        alert = self._word("namesake") if content["namesakes"] else ""
        self._sheet = Sheet(who["name"] or "—", "   ".join(fact for fact in facts if fact), alert)

    def _word(self, key: str, **parts: object) -> str:
        return word(self._language, key, **parts)

    def _called(self, kind: str, text: str) -> str:
        """An encounter without words of its own goes by its class."""
        known = f"class.{text}" in strings(self._language)
        return self._word(f"class.{text}") if kind == "encounter" and known else text

    def draw(self, shown: list[dict[str, Any]], total: int) -> bytes:
        """The whole PDF."""
        self._identity()
        for section in ("allergies", "warnings", "problems", "medications"):
            self._facts(section)
        self._vitals()
        self._course(shown, total)
        printed = self._word("printed", at=f"{self._now:%Y-%m-%d %H:%M %Z}", by=self._by)
        return self._sheet.finish(self._word("title"), printed, self._word("page", page="{page}", pages="{pages}"))

    def _identity(self) -> None:
        content = self._content
        for other in content["namesakes"]:
            sex = self._word(f"sex.{other['gender']}") if other["gender"] else ""
            place = " ".join(part for part in (other["ward"], other["bed"]) if part)
            cells = [other["name"], other["identifier"], other["birthDate"], sex, place]
            self._sheet.row(
                [(0, self._word("namesake").partition(" —")[0] + ": " + " · ".join(filter(None, cells)))], ALERT
            )
        if content["survivor"]:
            self._sheet.row([(0, self._word("survivor", **_named(content["survivor"])))], ALERT)
        if content["merged"]:
            numbers = ", ".join(one["number"] or one["id"] for one in content["merged"])
            self._sheet.row([(0, self._word("merged", numbers=numbers))], QUIET)
        stay = content["encounter"]
        if stay:
            self._sheet.title(self._word("encounter"))
            what = self._called("encounter", stay[self._language] or stay["class"])
            parts = [self.moment(stay["start"]), what, stay["reason"], stay["ward"], stay["bed"], stay["actor"]]
            self._sheet.row([(0, " · ".join(part for part in parts if part))])

    def _facts(self, section: str) -> None:
        facts = self._content[section]
        if section == "warnings" and not facts:
            return
        self._sheet.title(self._word(section))
        if not facts:
            self._sheet.row([(0, self._word("none"))], QUIET)
        for fact in facts:
            color = ALERT if section == "allergies" else INK
            severity = self._word(f"severity.{fact['severity']}") if fact["severity"] else ""
            more = " · ".join(part for part in (severity, fact["detail"]) if part)
            self._sheet.row([(0, fact[self._language]), (190, more), (420, self.moment(fact["at"]))], color)

    def _vitals(self) -> None:
        self._sheet.title(self._word("vitals"))
        if not self._content["vitals"]:
            self._sheet.row([(0, self._word("none"))], QUIET)
        for vital in self._content["vitals"]:
            flag = self._word(f"flag.{vital['flag']}") if vital["flag"] else ""
            said = written(vital["value"], vital["unit"])
            cells = [(0.0, vital[self._language]), (190.0, said), (300.0, flag), (420.0, self.moment(vital["at"]))]
            self._sheet.row(cells, ALERT if flag else INK)

    def _course(self, shown: list[dict[str, Any]], total: int) -> None:
        self._sheet.title(self._word("items"))
        if total > len(shown):
            self._sheet.row([(0, self._word("more", shown=len(shown), total=total))], QUIET)
        for item in shown:
            said = written(item["value"], item["unit"])
            marks = [self._word(f"flag.{item['flag']}") if item["flag"] else ""]
            marks.append(self._word("retracted") if item["status"] == "entered-in-error" else "")
            what = " · ".join(
                part
                for part in (
                    self._called(item["kind"], item[self._language]),
                    said,
                    *marks,
                    item["detail"],
                    item["actor"],
                )
                if part
            )
            when = self.moment(item["at"]) if item["low"] is not None else self._word("undated")
            cells = [(0.0, when), (112.0, self._word(f"kind.{item['kind']}")), (180.0, what)]
            self._sheet.row(cells, ALERT if item["flag"] else INK, 8)

    def moment(self, written: str) -> str:
        """A time in the hospital's zone; a date, and a time that names no zone, as written."""
        start = written.partition("/")[0]
        try:
            read = datetime.fromisoformat(start) if "T" in start else None
        except ValueError:
            read = None
        if read is None or read.tzinfo is None:
            return start
        return f"{read.astimezone(self._zone):%Y-%m-%d %H:%M}"


def _named(other: dict[str, str]) -> dict[str, str]:
    return {"name": other["name"], "number": other["number"] or other["id"]}


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def years(birth: str, now: datetime) -> int | None:
    """Completed years; None unless the birth date is known to the day."""
    if len(birth) != 10:
        return None
    year, month, day = (int(part) for part in birth.split("-"))
    return now.year - year - ((now.month, now.day) < (month, day))
