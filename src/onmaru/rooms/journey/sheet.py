"""An A4 sheet as lines from the top: who it is about stands on every page, and the last page's number is known on the first.

Text is set in Adobe's Korean character collection (Adobe-Korea1), which PDF readers bring along: no font is shipped.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, NamedTuple

# reportlab is imported where it is used: a room is opened at every start of the program, and seldom prints
if TYPE_CHECKING:
    from reportlab.pdfgen.canvas import Canvas

FONT = "HYGothic-Medium"
# A4, in points
WIDTH, HEIGHT = 210 / 25.4 * 72, 297 / 25.4 * 72
MARGIN = 42.0
TOP = HEIGHT - 92.0
BOTTOM = 52.0
LINE = 12.5
INK, QUIET, ALERT = (0.07, 0.1, 0.14), (0.38, 0.42, 0.47), (0.72, 0.07, 0.11)


class Text(NamedTuple):
    x: float
    y: float
    size: float
    color: tuple[float, float, float]
    text: str


class Sheet:
    """Collects pages of text; `finish` draws them."""

    def __init__(self, head: str, facts: str, alert: str) -> None:
        from reportlab.pdfbase import pdfmetrics
        from reportlab.pdfbase.cidfonts import UnicodeCIDFont

        pdfmetrics.registerFont(UnicodeCIDFont(FONT))
        self._pages: list[list[Text]] = []
        self._head, self._facts, self._alert = plain(head), plain(facts), plain(alert)
        self._y = 0.0
        self._turn()

    def _turn(self) -> None:
        self._pages.append([])
        self._y = TOP

    def title(self, text: str) -> None:
        """A section's heading, kept with at least two lines after it."""
        self._room(LINE * 4)
        self._y -= 8
        self._put(MARGIN, 11, INK, text)
        self._y -= 4 + LINE

    def row(self, cells: list[tuple[float, str]], color: tuple[float, float, float] = INK, size: float = 8.5) -> None:
        """Cells at x offsets from the margin; each wraps within the space up to the next one."""
        from reportlab.lib.utils import simpleSplit

        ends = [x for x, _ in cells[1:]] + [WIDTH - 2 * MARGIN]
        lines = [
            simpleSplit(plain(text), FONT, size, end - x - 6) or [""]
            for (x, text), end in zip(cells, ends, strict=True)
        ]
        tall = max(len(one) for one in lines)
        for number in range(tall):
            self._room(LINE)
            for (x, _), wrapped in zip(cells, lines, strict=True):
                if number < len(wrapped):
                    self._put(MARGIN + x, size, color, wrapped[number])
            self._y -= LINE

    def _room(self, height: float) -> None:
        if self._y - height < BOTTOM:
            self._turn()

    def _put(self, x: float, size: float, color: tuple[float, float, float], text: str) -> None:
        self._pages[-1].append(Text(x, self._y, size, color, plain(text)))

    def finish(self, title: str, foot: str, numbering: str) -> bytes:
        """The PDF. `numbering` holds `{page}` and `{pages}`."""
        from reportlab.pdfgen.canvas import Canvas

        out = BytesIO()
        canvas = Canvas(out, pagesize=(WIDTH, HEIGHT), pageCompression=1)
        canvas.setTitle(plain(title))
        canvas.setCreator("Onmaru")
        for number, page in enumerate(self._pages, start=1):
            self._frame(canvas, plain(foot), numbering.format(page=number, pages=len(self._pages)))
            for text in page:
                canvas.setFont(FONT, text.size)
                canvas.setFillColorRGB(*text.color)
                canvas.drawString(text.x, text.y, text.text)
            canvas.showPage()
        canvas.save()
        return out.getvalue()

    def _frame(self, canvas: Canvas, foot: str, numbering: str) -> None:
        canvas.setFillColorRGB(*INK)
        canvas.setFont(FONT, 14)
        canvas.drawString(MARGIN, HEIGHT - 46, self._head)
        canvas.setFont(FONT, 9)
        canvas.drawString(MARGIN, HEIGHT - 61, self._facts)
        if self._alert:
            canvas.setFillColorRGB(*ALERT)
            canvas.drawString(MARGIN, HEIGHT - 74, self._alert)
        canvas.setStrokeColorRGB(*QUIET)
        canvas.line(MARGIN, HEIGHT - 80, WIDTH - MARGIN, HEIGHT - 80)
        canvas.setFillColorRGB(*QUIET)
        canvas.setFont(FONT, 8)
        canvas.drawString(MARGIN, 30, foot)
        canvas.drawRightString(WIDTH - MARGIN, 30, numbering)


def plain(text: str) -> str:
    """What the character collection can hold: one line, no control characters, nothing beyond the basic plane."""
    return "".join(_kept(char) for char in text)


def _kept(char: str) -> str:
    if char in "\r\n\t":
        return " "
    return "□" if ord(char) > 0xFFFF or ord(char) < 0x20 or 0xD800 <= ord(char) <= 0xDFFF else char
