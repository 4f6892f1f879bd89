"""One evaluation: its environment, its scope and its budget. Every step is paid for, so that no expression runs for ever."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from onmaru.fhir.fhirpath.errors import execution, too_costly
from onmaru.fhir.fhirpath.node import Node
from onmaru.fhir.fhirpath.temporal import Date, DateTime, Time

STEPS = 1_000_000
"""What an evaluation may cost unless its caller says otherwise: about one for each item that a step gives."""
LONGEST = 1024 * 1024
"""Characters of a string that an expression may make."""

Collection = list[Any]
Evaluation = Callable[["Run"], Collection]
Trace = tuple[str, Collection]


class Hooks(msgspec.Struct, frozen=True):
    """What an evaluation may ask of the world, as pure functions; None where nobody answers.

    `resolve(reference)` → a resource's JSON or None. `member_of(value, valueset url)` and `subsumes(coding, coding)` →
    bool or None where unknown; they take nodes. `conforms(node, profile url)` → bool or None where the profile is unknown.
    """

    resolve: Callable[[str], Any] | None = None
    member_of: Callable[[Any, str], bool | None] | None = None
    subsumes: Callable[[Any, Any], bool | None] | None = None
    conforms: Callable[[Node, str], bool | None] | None = None


class Environment(msgspec.Struct, frozen=True):
    """What an evaluation is given. `variables`: name → System value, Node, or a list of them.

    `resource` and `root` are `%resource` and `%rootResource`; where absent they are found from the context.
    `now` is what `now()`, `today()` and `timeOfDay()` tell; without it they are refused.
    """

    variables: Mapping[str, Any] = {}
    resource: Node | None = None
    root: Node | None = None
    now: datetime | None = None
    hooks: Hooks = Hooks()
    steps: int = STEPS


class Run:
    """The moving part: `this`, `index` and `total` of the innermost scope, defined variables, the budget and the trace."""

    __slots__ = ("context", "environment", "index", "left", "this", "total", "traces", "variables")

    def __init__(self, context: Collection, environment: Environment) -> None:
        self.context = context
        self.environment = environment
        self.this = context
        self.index: int | None = 0
        self.total: Collection = []
        self.variables: Mapping[str, Collection] = {}
        self.left = environment.steps
        self.traces: list[Trace] = []

    def spend(self, steps: int) -> None:
        """Pay for work; raises PathError when the budget is used up."""
        self.left -= steps
        if self.left < 0:
            raise too_costly(f"the evaluation takes more than {self.environment.steps} steps")

    def made(self, string: str) -> str:
        """A new string, paid for by its length."""
        self.afford(len(string))
        return string

    def afford(self, length: int) -> None:
        """Refuse a string before it is made, when it would be too long."""
        if length > LONGEST:
            raise too_costly(f"a string would have more than {LONGEST} characters")
        self.spend(length >> 6)

    def each(self, items: Collection, argument: Evaluation) -> Collection:
        """`argument` for every item, in a scope of its own: the list of its answers."""
        outer = self.this, self.index, self.variables
        answers = []
        for index, item in enumerate(items):
            self.this = [item]
            self.index = index
            answers.append(argument(self))
            self.variables = outer[2]
        self.this, self.index, self.variables = outer
        self.spend(len(items))
        return answers

    def within(self, this: Collection, argument: Evaluation) -> Collection:
        """`argument` with `$this` set to a whole collection."""
        outer = self.this
        self.this = this
        answer = argument(self)
        self.this = outer
        return answer

    @property
    def resource(self) -> Node | None:
        """`%resource`: as given, else the resource that holds the context."""
        given = self.environment.resource
        if given is not None:
            return given
        node = self.context[0] if self.context and isinstance(self.context[0], Node) else None
        while (
            node is not None
            and node.parent is not None
            and not (isinstance(node.data, dict) and "resourceType" in node.data)
        ):
            node = node.parent
        return node

    @property
    def root(self) -> Node | None:
        """`%rootResource`: as given, else the outermost resource of the context."""
        given = self.environment.root
        if given is not None:
            return given
        inner = self.resource
        return inner.root if inner is not None else None

    def clock(self) -> datetime:
        """The instant of this evaluation. Raises PathError where none was given."""
        if self.environment.now is None:
            raise execution("no clock was given to this evaluation")
        return self.environment.now

    def now(self) -> DateTime:
        moment = self.clock()
        offset = moment.utcoffset()
        zone = None if offset is None else round(offset.total_seconds() / 60)
        return DateTime.read(moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}" + _zone(zone))

    def today(self) -> Date:
        return Date(self.now().fields[:3])

    def time_of_day(self) -> Time:
        return Time(self.now().fields[3:])


def _zone(minutes: int | None) -> str:
    if minutes is None:
        return ""
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02d}:{rest:02d}"
