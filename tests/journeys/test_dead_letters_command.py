"""Dead letters at the keyboard: listed, shown, mended and replayed, beside a running server and without one."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.served import Served, admission, code

NOBODY = admission().replace(b"\rPID|1||7^", b"\rPID|1||^")


def mended(house: Served, id: str, folder: Path) -> None:
    status, lines = house.command("dead-letters", "show", id)
    assert (status, lines[0]["state"]) == (0, "open")
    text = lines[0]["text"].replace("PID|1||^", "PID|1||7^")
    file = folder / "mended.hl7"
    file.write_text(text, "utf-8")
    status, lines = house.command("dead-letters", "mend", id, str(file))
    assert (status, lines[0]["state"]) == (0, "open")


@pytest.mark.parametrize("served", [True, False], ids=["beside a server", "without one"])
def test_a_letter_is_mended_and_replayed_into_the_record(tmp_path: Path, served: bool) -> None:
    with Served(tmp_path) as house:
        assert code(house.send(NOBODY)[0]) == "AE"
        if not served:
            house.stop()
        status, lines = house.command("dead-letters", "list")
        assert (status, lines[-1]) == (0, {"total": 1})
        id = lines[0]["id"]
        assert (lines[0]["door"], lines[0]["format"], lines[0]["where"]) == ("mllp", "hl7v2", "PID^1^3")
        status, lines = house.command("dead-letters", "replay", id)
        assert (status, lines[0]["state"]) == (1, "open")
        mended(house, id, tmp_path)
        status, lines = house.command("dead-letters", "replay", "--all")
        assert (status, lines[0]["state"]) == (0, "replayed")
        assert house.command("dead-letters", "list")[1] == [{"total": 0}]
        assert house.command("dead-letters", "replay", id)[0] == 3
        if not served:
            house.start()
        assert [one["birthDate"] for one in house.found("Patient?identifier=7")] == ["1980-01-01"]
        assert code(house.send(admission())[0]) == "AA"
        assert len(house.found("Patient")) == 1


def test_a_letter_that_is_not_there_is_refused(tmp_path: Path) -> None:
    house = Served(tmp_path)
    assert house.command("dead-letters", "show", "nowhere")[0] == 3
    assert house.command("dead-letters", "list", "--tenant", "elsewhere")[0] == 4
    assert house.command("dead-letters", "replay")[0] == 2
