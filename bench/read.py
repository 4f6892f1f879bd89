"""Reads by id over HTTP at 64 connections, each audited durably, beside a bare server."""

from __future__ import annotations

from _http import measure
from onmaru.app.bench import Result


def run(quick: bool) -> Result:
    """Ids drawn at random over everything loaded."""
    return measure("read", full=False, quick=quick)
