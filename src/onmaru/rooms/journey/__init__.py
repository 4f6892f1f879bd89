"""The patient journey: whose chart this is, what matters now and everything that ever happened, on one screen.

Its one law: it invents nothing. Every word, digit and flag is the source's own, and each leads back to its source.
"""

from __future__ import annotations

from onmaru.kernel.room import Room
from onmaru.rooms.journey import views
from onmaru.rooms.journey.projection import Journey

room = Room(name="journey", projections=(Journey(),), views=views.ALL, provides=("journey",), scopes=("user/*.rs",))
