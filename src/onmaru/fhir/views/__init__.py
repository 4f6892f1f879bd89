"""SQL on FHIR v2: ViewDefinitions compiled to one SQL statement over the typed table of a resource type.

    compile(parse(json), tree, DUCK, '"Patient"').sql

Pure: nothing is evaluated here row by row, and nothing runs here. Tables and their trees: `onmaru.fhir.columnar`.
"""

from onmaru.fhir.views.definition import ViewDefinition, parse
from onmaru.fhir.views.dialect import Dialect
from onmaru.fhir.views.duck import Duck
from onmaru.fhir.views.output import Output
from onmaru.fhir.views.rows import Compiled, compile
from onmaru.fhir.views.spark import Spark

DIALECTS: dict[str, Dialect] = {dialect.name: dialect for dialect in (Duck(), Spark())}

__all__ = ["DIALECTS", "Compiled", "Dialect", "Output", "ViewDefinition", "compile", "parse"]
