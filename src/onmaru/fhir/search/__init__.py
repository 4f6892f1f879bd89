"""FHIR R4 search without any store: which parameters exist, a resource's keys, a query's clauses and their meaning.

Its one law: `matches` is the meaning; whatever an engine's index answers must agree with it.
"""

from onmaru.fhir.search.catalogue import parameters
from onmaru.fhir.search.context import Limits
from onmaru.fhir.search.extraction import extract
from onmaru.fhir.search.folding import normal
from onmaru.fhir.search.matching import matches, present, sort_key
from onmaru.fhir.search.parsing import parse

__all__ = ["Limits", "extract", "matches", "normal", "parameters", "parse", "present", "sort_key"]
