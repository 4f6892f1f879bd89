"""One setting as it is declared."""

from __future__ import annotations

import math
from typing import NamedTuple

from onmaru.app.forms import Form

Value = str | int | float | bool


class Setting(NamedTuple):
    """`name` in the file; `ONMARU_NAME` in the environment. The default's type is the setting's type.

    `shown` tells a default that differs by platform. `among`: the only texts taken. `within`: the least and the greatest
    number taken. `form`: what the text has to look like.
    """

    name: str
    default: Value
    help: str
    shown: str = ""
    among: tuple[str, ...] = ()
    within: tuple[float, float] = (0, math.inf)
    form: Form | None = None
