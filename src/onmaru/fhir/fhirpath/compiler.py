"""The tree to Python closures, once for each expression: what can be decided without data is decided here."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from onmaru.fhir.fhirpath.errors import PathError, execution, semantic, too_costly
from onmaru.fhir.fhirpath.functions import TABLE
from onmaru.fhir.fhirpath.functions.ordering import Key, sort
from onmaru.fhir.fhirpath.node import Node
from onmaru.fhir.fhirpath.operators import OPERATORS, signed
from onmaru.fhir.fhirpath.parser import parse
from onmaru.fhir.fhirpath.run import Collection, Environment, Evaluation, Run
from onmaru.fhir.fhirpath.singles import integer
from onmaru.fhir.fhirpath.tree import (
    Binary,
    Call,
    Directed,
    Expression,
    Index,
    Literal,
    Member,
    Path,
    Special,
    Step,
    TypeTest,
    Unary,
    Variable,
)
from onmaru.fhir.fhirpath.types import FHIR, TypeInfo, ancestors, chosen, is_a, specifier
from onmaru.fhir.fhirpath.variables import look_up

Stage = Callable[[Run, Collection], Collection]
REMEMBERED = 2000
"""Characters beyond which an expression is compiled afresh, so that what is remembered stays small."""
_TYPED = frozenset({"is", "as", "ofType"})
_TYPE_INFO = frozenset({"namespace", "name", "baseType"})


class Compiled:
    """An expression ready to be evaluated any number of times, from any thread."""

    __slots__ = ("_evaluation", "text", "tree")

    def __init__(self, text: str) -> None:
        self.text = text
        self.tree = parse(text)
        self._evaluation = _evaluation(self.tree)

    def __call__(self, context: Node | Collection, environment: Environment = Environment()) -> Collection:  # noqa: B008
        """The collection that the expression gives on `context`. Raises PathError."""
        return self.within(Run(context if isinstance(context, list) else [context], environment))

    def within(self, run: Run) -> Collection:
        """The collection, in a run whose traces and remaining budget the caller keeps. Raises PathError."""
        try:
            return self._evaluation(run)
        except RecursionError:
            raise too_costly("the data nest too deep for this expression") from None
        except ArithmeticError:
            raise execution("a number is out of range") from None


def compiled(text: str) -> Compiled:
    """Compile an expression, or find it compiled. Raises PathError where it is no FHIRPath."""
    return _remembered(text) if len(text) <= REMEMBERED else Compiled(text)


_remembered = lru_cache(maxsize=4096)(Compiled)


def _evaluation(tree: Expression) -> Evaluation:
    if isinstance(tree, Path):
        return _path(tree)
    if isinstance(tree, Binary):
        return _binary(tree)
    if isinstance(tree, Literal):
        return _literal(tree)
    if isinstance(tree, (Member, Call, Special)):
        return _head(tree)
    if isinstance(tree, Variable):
        return _variable(tree)
    if isinstance(tree, TypeTest):
        return _type_test(tree)
    if isinstance(tree, Unary):
        return _unary(tree)
    raise semantic("asc and desc belong to sort()", tree.at)


def _placed(stage: Stage, at: int) -> Stage:
    """Errors that know no place get this one."""

    def run_placed(run: Run, items: Collection) -> Collection:
        try:
            return stage(run, items)
        except PathError as error:
            if error.at < 0:
                error.at = at
            raise

    return run_placed


def _defines(tree: Expression) -> bool:
    """Whether evaluating may define a variable that outlives it."""
    if isinstance(tree, Path):
        return any(isinstance(part, Call) and part.name == "defineVariable" for part in (tree.head, *tree.steps))
    return isinstance(tree, Call) and tree.name == "defineVariable"


def _scoped(tree: Expression) -> Evaluation:
    """An operand or argument: the variables that it defines end with it."""
    inner = _evaluation(tree)
    if not _defines(tree):
        return inner

    def scoped(run: Run) -> Collection:
        outer = run.variables
        answer = inner(run)
        run.variables = outer
        return answer

    return scoped


def _literal(tree: Literal) -> Evaluation:
    if tree.value is None:
        return lambda run: []
    return lambda run: [tree.value]


def _variable(tree: Variable) -> Evaluation:
    stage = _placed(lambda run, _: look_up(run, tree.name), tree.at)
    return lambda run: stage(run, [])


def _path(tree: Path) -> Evaluation:
    head = _evaluation(tree.head)
    stages = tuple(_stage(step) for step in tree.steps)

    def path(run: Run) -> Collection:
        items = head(run)
        for stage in stages:
            items = stage(run, items)
        return items

    return path


def _head(tree: Member | Call | Special) -> Evaluation:
    if isinstance(tree, Special):
        return _special(tree)
    stage = _stage(tree)
    if isinstance(tree, Call) or tree.name not in FHIR:
        return lambda run: stage(run, run.this)
    name = tree.name

    def typed(run: Run) -> Collection:
        kept = [item for item in run.this if item.__class__ is Node and name in ancestors(item.type)]
        return kept or stage(run, run.this)

    return typed


def _special(tree: Special) -> Evaluation:
    if tree.name == "$this":
        return lambda run: run.this
    if tree.name == "$total":
        return lambda run: run.total
    return lambda run: [] if run.index is None else [run.index]


def _stage(step: Step) -> Stage:
    if isinstance(step, Member):
        return _member(step)
    if isinstance(step, Call):
        return _call(step)
    if isinstance(step, Index):
        return _index(step)
    special = _special(step)
    return lambda run, items: special(run)


def _member(step: Member) -> Stage:
    label = step.name

    def member(run: Run, items: Collection) -> Collection:
        found: Collection = []
        for item in items:
            if item.__class__ is Node:
                item.add(label, found)
            elif isinstance(item, TypeInfo) and label in _TYPE_INFO:
                found.append(getattr(item, label))
        run.left -= len(items) + len(found)
        if run.left < 0:
            run.spend(0)
        return found

    return member


def _index(step: Index) -> Stage:
    inner = _scoped(step.expression)

    def index(run: Run, items: Collection) -> Collection:
        place = integer(inner(run))
        return [] if place is None or place < 0 else items[place : place + 1]

    return _placed(index, step.at)


def _call(step: Call) -> Stage:
    if step.name in _TYPED:
        return _typed_call(step)
    if step.name == "sort":
        return _sort(step)
    function = TABLE.get(step.name)
    if function is None:
        raise semantic("no function has this name", step.at)
    if not function.least <= len(step.arguments) <= function.most:
        raise semantic(f"{step.name}() does not take {len(step.arguments)} arguments", step.at)
    arguments = tuple(_scoped(argument) for argument in step.arguments)
    body = function.body

    def call(run: Run, items: Collection) -> Collection:
        answer = body(run, items, arguments)
        run.left -= len(answer) + 1
        if run.left < 0:
            run.spend(0)
        return answer

    return _placed(call, step.at)


def _sort(step: Call) -> Stage:
    keys = tuple(_key(argument) for argument in step.arguments)
    return _placed(lambda run, items: sort(run, items, keys), step.at)


def _key(argument: Expression) -> Key:
    descending = negated = False
    if isinstance(argument, Directed):
        descending = argument.descending
        argument = argument.expression
    if isinstance(argument, Unary) and argument.operator == "-":
        argument, negated = argument.operand, True
    return Key(_scoped(argument), descending, negated)


def _type_name(tree: Expression) -> str:
    """The type specifier that an argument is: `Patient` or `FHIR.Patient`."""
    parts = [tree.head, *tree.steps] if isinstance(tree, Path) else [tree]
    if len(parts) <= 2 and all(isinstance(part, Member) for part in parts):
        return ".".join(part.name for part in parts if isinstance(part, Member))
    raise semantic("expected the name of a type", tree.at)


def _typed_call(step: Call) -> Stage:
    if len(step.arguments) != 1:
        raise semantic(f"{step.name}() takes one argument", step.at)
    return _typed(step.name, _type_name(step.arguments[0]), step.at)


def _typed(name: str, type_name: str, at: int) -> Stage:
    wanted = specifier(type_name, at)
    if name != "is":  # R4's own invariants (dom-3) and search parameters use `as` on collections (decision 0075)
        return lambda run, items: [item for item in items if chosen(item, wanted)]

    def test(run: Run, items: Collection) -> Collection:
        if len(items) > 1:
            raise execution("`is` takes a single item", at)
        return [is_a(item, wanted) for item in items]

    return test


def _type_test(tree: TypeTest) -> Evaluation:
    operand = _scoped(tree.operand)
    stage = _typed(tree.operator, tree.type, tree.at)
    return lambda run: stage(run, operand(run))


def _unary(tree: Unary) -> Evaluation:
    operand = _scoped(tree.operand)
    stage = _placed(lambda run, items: signed(tree.operator, items), tree.at)
    return lambda run: stage(run, operand(run))


def _binary(tree: Binary) -> Evaluation:
    left, right = _scoped(tree.left), _scoped(tree.right)
    operator = OPERATORS[tree.operator]
    at = tree.at

    def binary(run: Run) -> Collection:
        first = left(run)
        second = right(run)
        run.left -= 1
        if run.left < 0:
            run.spend(0)
        try:
            return operator(run, first, second)
        except PathError as error:
            if error.at < 0:
                error.at = at
            raise

    return binary
