"""Every function of the language, by the groups of the specification. Importing a group enters it in the table."""

from onmaru.fhir.fhirpath.functions import (
    boundaries,
    conversion,
    existence,
    fhir,
    filtering,
    maths,
    moments,
    subsetting,
    text,
    utility,
)
from onmaru.fhir.fhirpath.functions.registry import TABLE, Function

__all__ = [
    "TABLE",
    "Function",
    "boundaries",
    "conversion",
    "existence",
    "fhir",
    "filtering",
    "maths",
    "moments",
    "subsetting",
    "text",
    "utility",
]
