"""The group `onmaru lake` on the command line."""

from __future__ import annotations

from onmaru.app.lake.commands import LAKE
from onmaru.app.opening import open_hall
from onmaru.app.room_commands import group

lake = group(LAKE, open_hall)
lake.help = "See, ask and export the resource tables of the lake."
