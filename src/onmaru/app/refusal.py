"""How a command ends: one clear line on stderr and an exit status that a script can act on; never a patient's data."""

from __future__ import annotations

from pathlib import Path
from typing import Final

DONE: Final = 0
NO: Final = 1
USAGE: Final = 2
REFUSED: Final = 3
NOT_READY: Final = 4
FAULT: Final = 5
INTERRUPTED: Final = 130
UNHEARD: Final = 141

MEANINGS: Final = {
    DONE: "The work was done and the answer is yes.",
    NO: "The work was done and the answer is no: a test failed, a seal is broken, a bar was missed.",
    USAGE: "The command line was not understood.",
    REFUSED: "The input was refused; the line says where and why.",
    NOT_READY: "Something the command needs is not there: a setting, a program, a source checkout.",
    FAULT: "A fault in Onmaru itself. The line names the place; ONMARU_TRACE=1 shows the whole trace.",
    INTERRUPTED: "Interrupted from the keyboard; running the same command again goes on.",
    UNHEARD: "Whoever read the output left before its end, as in `onmaru … | head`; the command went no further.",
}


class Refusal(Exception):
    """A reason to end that the person at the keyboard can act on. The text never holds a value from the record."""

    def __init__(self, text: str, status: int = NOT_READY) -> None:
        super().__init__(text)
        self.status = status


class Elsewhere(Exception):
    """A running server has the house open, and has to do itself what is asked for."""


def verdict(error: Exception) -> tuple[str, int]:
    """The line to show for an error, and the exit status.

    Only the words of those that hold no value from the record are shown; of anything else the kind and the place,
    because the text of an unforeseen error may quote what was being read.
    """
    from onmaru.engines.keyring import KeyLost
    from onmaru.engines.sqlite.home import Taken
    from onmaru.fhir.outcome import Invalid

    if isinstance(error, Refusal):
        return str(error), error.status
    if isinstance(error, Taken):
        return f"{error}: stop the server or wait for the command that has it open", NOT_READY
    if isinstance(error, KeyLost):
        return f"{error}; ONMARU_KEYS names the folder of the keys that this house was made with", NOT_READY
    if isinstance(error, Invalid):
        told = [f"{one.expression}: {one.text}" if one.expression else one.text for one in error.issues[:5]]
        return "; ".join(told), REFUSED
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror, NOT_READY
    return f"{type(error).__name__} at {_place(error)}", FAULT


def _place(error: Exception) -> str:
    """The innermost line of our own that the error passed, as `app/cli.py:12`."""
    package = Path(__file__).resolve().parents[1]
    place, step = "an unknown place", error.__traceback__
    while step is not None:
        path = Path(step.tb_frame.f_code.co_filename)
        if path.is_relative_to(package):
            place = f"{path.relative_to(package).as_posix()}:{step.tb_lineno}"
        step = step.tb_next
    return place
