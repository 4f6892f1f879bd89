"""FHIRPath 2.0.0 with the trial-use parts that R4's test suite uses: parsed once, compiled to closures, exact, bounded.

    compiled("name.given.first()")(root(read(resource_bytes))) → [Node]

Pure: the clock, the terminology, the store and the profiles are what the caller's Environment gives.
"""

from onmaru.fhir.fhirpath.check import checked
from onmaru.fhir.fhirpath.compiler import Compiled, compiled
from onmaru.fhir.fhirpath.errors import PathError
from onmaru.fhir.fhirpath.node import Node, read, root, value_of
from onmaru.fhir.fhirpath.run import Environment, Hooks

__all__ = ["Compiled", "Environment", "Hooks", "Node", "PathError", "checked", "compiled", "read", "root", "value_of"]
