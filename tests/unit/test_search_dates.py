"""What a written date covers."""

import pytest

from onmaru.fhir.keys import MAX
from onmaru.fhir.search.dates import DAY, SECOND, span

NEW_YEAR_2000 = 946_684_800 * SECOND


@pytest.mark.parametrize(
    ("text", "low", "length"),
    [
        ("2000", 0, 366 * DAY),
        ("2000-01", 0, 31 * DAY),
        ("2000-01-01", 0, DAY),
        ("2000-01-01T00:00", 0, 60 * SECOND),
        ("2000-01-01T00:00:00Z", 0, SECOND),
        ("2000-01-01T00:00:00.5Z", SECOND // 2, SECOND // 10),
        ("2000-01-01T00:00:00.500Z", SECOND // 2, 1000),
        ("2000-01-01T00:00:00.123456789Z", 123_456, 1),
        ("2000-01-01T09:00:00+09:00", 0, SECOND),
        ("1999-12-31T19:00:00-05:00", 0, SECOND),
        ("1999-12-31T23:59:60Z", 0, SECOND),
    ],
)
def test_a_date_covers_what_its_precision_says(text: str, low: int, length: int) -> None:
    assert span(text) == (NEW_YEAR_2000 + low, NEW_YEAR_2000 + low + length)


def test_the_last_year_of_the_calendar_has_no_end() -> None:
    assert span("9999")[1] == MAX
    assert span("9999-12")[1] == MAX


@pytest.mark.parametrize(
    "text",
    ["", "20", "2000-13", "2000-02-30", "2000-1-1", "2000-01-01T24:00:00Z", "2000-01-01T10:60Z", "2000-01-01T10",
     "2000-01-01T10:00:00+15:00", "2000-01-01 10:00", "２０００", "0000", "2000-W01-1T00:00:00Z"],
)  # fmt: skip
def test_anything_else_is_no_date(text: str) -> None:
    with pytest.raises(ValueError):
        span(text)
