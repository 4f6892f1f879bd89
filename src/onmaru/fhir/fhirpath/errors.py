"""Why an expression could not be read or evaluated, and where in it. Its text never holds a value of the data."""

from __future__ import annotations

from typing import Literal

Kind = Literal["syntax", "semantic", "execution", "too-costly"]


class PathError(ValueError):
    """`at`: the character of the expression, from 0, or -1 where none is to blame."""

    def __init__(self, kind: Kind, reason: str, at: int = -1) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason
        self.at = at

    def __str__(self) -> str:
        return f"{self.reason} (at character {self.at + 1})" if self.at >= 0 else self.reason


def syntax(reason: str, at: int) -> PathError:
    """The text is no FHIRPath expression."""
    return PathError("syntax", reason, at)


def semantic(reason: str, at: int = -1) -> PathError:
    """The expression names what does not exist or joins what does not fit."""
    return PathError("semantic", reason, at)


def execution(reason: str, at: int = -1) -> PathError:
    """The data are not what the expression needs."""
    return PathError("execution", reason, at)


def too_costly(reason: str, at: int = -1) -> PathError:
    """The expression asks for more than its budget."""
    return PathError("too-costly", reason, at)
