"""Views: an editor for ViewDefinitions (SQL on FHIR), with the SQL that each becomes and a look at its rows.

Its one law: it runs nothing but what `onmaru.fhir.views` compiled, over what its caller may see.
"""

from __future__ import annotations

from onmaru.kernel.room import Room
from onmaru.rooms.views.routes import ROUTES, SCOPE

room = Room(name="views", routes=ROUTES, scopes=(SCOPE,))
