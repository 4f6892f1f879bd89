"""`onmaru cohort …`: run a definition, see who is left after each rule, take it away with all that made it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from onmaru.fhir.outcome import invalid
from onmaru.kernel.room import Command, Hall
from onmaru.rooms.cohort import hiding
from onmaru.rooms.cohort.asking import Wanted, wanted
from onmaru.rooms.cohort.export import export as write
from onmaru.rooms.cohort.running import Found, begun, found
from onmaru.rooms.cohort.studies.asked import study as told_of
from onmaru.rooms.cohort.studies.plan import driven, plan

Say = Callable[[Mapping[str, Any]], None]
SCOPE = "user/*.rs"
DONE = 0


def asked(args: Mapping[str, str]) -> Wanted:
    """The definition in the file that was named."""
    return wanted(_read(args))


def _read(args: Mapping[str, str]) -> bytes:
    try:
        return Path(args["file"]).expanduser().read_bytes()
    except OSError as error:
        raise invalid("not-found", "cannot be read", "FILE") from error


def run(hall: Hall, args: Mapping[str, str], say: Say) -> int:
    """One line: how many persons and entries, at which position, of which expression."""
    told = _told(hall, _found(hall, asked(args)))
    say({name: told[name] for name in ("name", "persons", "entries", "t", "digest")})
    return DONE


def attrition(hall: Hall, args: Mapping[str, str], say: Say) -> int:
    """A line a step, from who enters to who is in the cohort."""
    steps = _told(hall, _found(hall, asked(args)))["steps"]
    for place, step in enumerate(steps):
        name = "entry" if place == 0 else "cohort" if place == len(steps) - 1 else "rule"
        say({"step": place, "what": name, **step})
    return DONE


def study(hall: Hall, args: Mapping[str, str], say: Say) -> int:
    """One line: what was found, with its definition, SQL and position."""
    told = told_of(_read(args))
    least = hiding.smallest(hall)
    if told.who and least > 1:
        raise invalid("forbidden", "persons are not shown to researchers", "who", 403)
    say(msgspec.to_builtins(driven(plan(hall, told, least))))
    return DONE


def export(hall: Hall, args: Mapping[str, str], say: Say) -> int:
    """Write the definition, its Circe expression and SQL, the counts and, for who may, the persons into a new folder."""
    say(write(hall, asked(args), Path(args["dir"]).expanduser().resolve()))
    return DONE


def _found(hall: Hall, wanted: Wanted) -> Found:
    return found(wanted, begun(hall, wanted)())


def _told(hall: Hall, found: Found) -> dict[str, Any]:
    return hiding.masked(found, hiding.smallest(hall))


FILE = ("file", "a definition of ours, or a Circe expression, as JSON")
COMMANDS = (
    Command("run", "Run a cohort definition: how many are in it.", (FILE,), SCOPE, run),
    Command("attrition", "Say who is left after each rule of a definition.", (FILE,), SCOPE, attrition),
    Command(
        "study", "Run a study: survival, incidence, pathways and others.", (("file", "a study as JSON"),), SCOPE, study
    ),
    Command(
        "export", "Write a cohort with its definition, code and position.",
        (FILE, ("dir", "a new or empty folder")), SCOPE, export,
    ),
)  # fmt: skip
