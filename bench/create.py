"""Durable creates over HTTP at 64 connections, beside a bare server with the same fsync and index rows."""

from __future__ import annotations

from _http import measure
from onmaru.app.bench import Result


def run(quick: bool) -> Result:
    """Observations of real size, drawn at random."""
    return measure("create", full=False, quick=quick)
