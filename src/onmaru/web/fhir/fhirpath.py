"""`POST [base]/$fhirpath` in the FHIRPath Lab's form: it evaluates on what was posted and reads nothing of the record."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

from onmaru import __version__
from onmaru.fhir.fhirpath.lab import answer
from onmaru.kernel.room import Hall, Request, Response
from onmaru.web.answers import FHIR
from onmaru.web.fhir.negotiation import check_content

EVALUATOR = f"Onmaru {__version__} (R4)"


def evaluate(request: Request, hall: Hall) -> Response:
    """Parameters in, Parameters out. In a worker thread, because an expression may use up its whole budget of steps."""
    check_content(request.headers)
    return Response(200, partial(answer, request.body, now=datetime.now(UTC), evaluator=EVALUATOR), FHIR)
