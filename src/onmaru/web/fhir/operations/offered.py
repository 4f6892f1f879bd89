"""Which operations there are, on what and by which methods: the routes and the CapabilityStatement are both read off it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec

from onmaru.kernel.room import Hall, Request, Response
from onmaru.web.doors import Doors, Settings
from onmaru.web.fhir.driving import Driver
from onmaru.web.fhir.operations import diff, views
from onmaru.web.fhir.operations.closure import closure
from onmaru.web.fhir.operations.document import Documents
from onmaru.web.fhir.operations.everything import Everything
from onmaru.web.fhir.operations.indexed import index_status
from onmaru.web.fhir.operations.lastn import lastn
from onmaru.web.fhir.operations.match import match
from onmaru.web.fhir.operations.match_estimate import match_estimate
from onmaru.web.fhir.operations.meta import Metas
from onmaru.web.fhir.operations.stats import stats
from onmaru.web.fhir.subscription import Subscribed

Handler = Callable[[Request, Hall], Response | Awaitable[Response]]
OURS = "urn:onmaru:operation:"
R4 = "http://hl7.org/fhir/OperationDefinition/"


class Operation(msgspec.Struct, frozen=True):
    """`shape`: see `routes.table`, such as `T/I/$everything`. `types` (): every type. `definition`: its canonical.

    The definition's `{}` stands for the type.
    """

    shape: str
    methods: tuple[str, ...]
    handler: Handler
    definition: str
    types: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """With its `$`."""
        return self.shape.rpartition("/")[2]


def operations(settings: Settings, driver: Driver | None = None, doors: Doors | None = None) -> Sequence[Operation]:
    """Every operation on the record; `driver` carries out large writes, where any are carried out.

    Without `doors` the operations are told of, and those that need a running house cannot be carried out.
    """
    every, metas = Everything(settings.page), Metas(driver)
    documents = Documents(driver)
    both = ("GET", "POST")
    return (
        Operation("T/I/$document", both, documents.document, R4 + "{}-document", ("Composition",)),
        Operation("T/$document", both, documents.document, R4 + "{}-document", ("Composition",)),
        Operation("T/I/$meta", ("GET",), metas.of_one, R4 + "Resource-meta"),
        Operation("T/I/_history/V/$meta", ("GET",), metas.of_one, R4 + "Resource-meta"),
        Operation("T/$meta", ("GET",), metas.of_many, R4 + "Resource-meta"),
        Operation("$meta", ("GET",), metas.of_many, R4 + "Resource-meta"),
        Operation("T/I/$meta-add", ("POST",), metas.add, R4 + "Resource-meta-add"),
        Operation("T/I/$meta-delete", ("POST",), metas.delete, R4 + "Resource-meta-delete"),
        Operation("T/$lastn", ("GET",), lastn, R4 + "{}-lastn", ("Observation",)),
        Operation("T/$stats", both, stats, R4 + "{}-stats", ("Observation",)),
        Operation("T/$index-status", ("GET",), index_status, OURS + "index-status", ("SearchParameter",)),
        Operation("T/$match", ("POST",), match, R4 + "{}-match", ("Patient",)),
        Operation("T/$match-estimate", ("POST",), match_estimate, OURS + "match-estimate", ("Patient",)),
        Operation("T/I/$diff", ("GET",), diff.of_versions, OURS + "diff"),
        Operation("$closure", ("POST",), closure, R4 + "ConceptMap-closure"),
        Operation("$diff", ("GET",), diff.of_two, OURS + "diff"),
        Operation("T/I/$everything", both, every.of_one, R4 + "{}-everything", ("Patient", "Encounter")),
        Operation("T/$everything", both, every.of_patients, R4 + "Patient-everything", ("Patient",)),
        *(Operation(shape, methods, views.run, views.DEFINITION, types) for shape, methods, types in views.SHAPES),
        *(
            Operation(shape, both, handler, definition, ("Subscription",))
            for shape, (handler, definition) in Subscribed(doors).operations().items()
        ),
    )


def described(offered: Sequence[Operation], type: str) -> list[Mapping[str, str]]:
    """What a CapabilityStatement says of the operations on a type ("": on the whole system), each once."""
    mine = [one for one in offered if (type in one.types or not one.types if type else one.shape[0] == "$")]
    found = {one.name[1:]: one.definition.format(type) for one in mine if not type or one.shape[0] == "T"}
    return [{"name": name, "definition": definition} for name, definition in sorted(found.items())]


def named(offered: Sequence[Operation]) -> Mapping[str, frozenset[str]]:
    """The types that each shape is offered for; an empty set: all of them."""
    return {one.shape: frozenset(one.types) for one in offered}
