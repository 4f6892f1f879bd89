"""The operation `$fhirpath` in the form of the FHIRPath Lab's server API: Parameters in, Parameters out.

Nothing but what was posted is read: no store, no terminology, no network.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec

from onmaru.fhir.fhirpath.compiler import Compiled
from onmaru.fhir.fhirpath.errors import PathError, too_costly
from onmaru.fhir.fhirpath.node import Node, labels, read, root
from onmaru.fhir.fhirpath.outline import outline
from onmaru.fhir.fhirpath.results import JSON_VALUE, encode, part
from onmaru.fhir.fhirpath.run import Environment, Run
from onmaru.fhir.fhirpath.written import write
from onmaru.fhir.outcome import invalid
from onmaru.fhir.syntax import check_depth
from onmaru.fhir.xml_form import to_json

XML_VALUE = "http://fhir.forms-lab.com/StructureDefinition/xml-value"
LONGEST = 16 * 1024 * 1024
"""Bytes of one answer."""
STEPS = 250_000
"""What one request may cost: a stranger's share of the server is less than a validator's."""
_CODES = {"syntax": "invalid", "semantic": "invalid", "execution": "processing", "too-costly": "too-costly"}


class Asked(msgspec.Struct, frozen=True):
    """What a request asks. `given`: the request's own parameters, to be shown again."""

    expression: str
    context: str
    resource: Node
    variables: dict[str, Any]
    given: list[dict[str, Any]]


def answer(body: bytes, *, now: datetime, evaluator: str) -> bytes:
    """The Parameters that answer a posted Parameters.

    Raises Invalid 400 naming the parameter, and 422 where the expression cannot be evaluated on the resource.
    """
    asked = _asked(body)
    try:
        return _answered(asked, now, evaluator)
    except PathError as error:
        code = _CODES[error.kind]
        raise invalid(code, f"{error.kind}: {error}", "expression", 400 if code == "invalid" else 422) from None


def _answered(asked: Asked, now: datetime, evaluator: str) -> bytes:
    expression = Compiled(asked.expression)  # a stranger's expressions are not remembered
    environment = Environment(asked.variables, asked.resource, asked.resource, now, steps=STEPS)
    told = [
        {"name": "evaluator", "valueString": evaluator},
        {"name": "parseDebugTree", "valueString": outline(expression.tree)},
        {"name": "parseDebug", "valueString": write(expression.tree)},
        *asked.given,
    ]
    parameters = [encode({"name": "parameters", "part": told})]
    size = len(parameters[0])
    for result in _results(asked, expression, environment):
        size += len(result)
        if size > LONGEST:
            raise too_costly(f"the answer would have more than {LONGEST} bytes")
        parameters.append(result)
    return b'{"resourceType":"Parameters","id":"fhirpath","parameter":[%s]}' % b",".join(parameters)


def _results(asked: Asked, expression: Compiled, environment: Environment) -> Iterator[bytes]:
    """One `result` for each item of the context; all of them share one budget."""
    first = Run([asked.resource], environment)
    contexts = Compiled(asked.context).within(first) if asked.context else [asked.resource]
    left = first.left
    for place, item in enumerate(contexts):
        run = Run([item], environment)
        run.left = left
        found = expression.within(run)
        left = run.left
        parts = [_encoded(one) for one in found]
        parts += [_trace(name, items) for name, items in run.traces]
        label = ""
        if asked.context:
            label = item.path if isinstance(item, Node) else f"{asked.context}[{place}]"
        yield _result(label, parts)


def _result(label: str, parts: list[bytes]) -> bytes:
    if sum(map(len, parts)) > LONGEST:
        raise too_costly(f"the answer would have more than {LONGEST} bytes")
    head = b'"name":"result"' + (b',"valueString":' + encode(label) if label else b"")
    return b"{%s%s}" % (head, b',"part":[%s]' % b",".join(parts) if parts else b"")


def _encoded(item: Any) -> bytes:
    return encode(part(item))


def _trace(name: str, items: list[Any]) -> bytes:
    parts = b",".join(map(_encoded, items))
    return b'{"name":"trace","valueString":%s%s}' % (encode(name or "-"), b',"part":[%s]' % parts if parts else b"")


def _asked(body: bytes) -> Asked:
    check_depth(body)
    try:
        posted = read(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise invalid("structure", "The content is not JSON.") from None
    listed = posted.get("parameter") if isinstance(posted, dict) else None
    if not isinstance(posted, dict) or posted.get("resourceType") != "Parameters" or not isinstance(listed, list):
        raise invalid("structure", "a Parameters resource with expression and resource is wanted", "Parameters")
    given = [one for one in listed if isinstance(one, dict)]
    return Asked(
        _text(given, "expression", needed=True),
        _text(given, "context"),
        _resource(given),
        _variables(given),
        [one for one in given if one.get("name") in ("expression", "context", "resource", "variables")],
    )


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(given: list[dict[str, Any]], name: str, *, needed: bool = False) -> str:
    found = next((one.get("valueString") for one in given if one.get("name") == name), None)
    if found is None and not needed:
        return ""
    if not isinstance(found, str) or not found.strip():
        raise invalid("required", "a valueString is wanted", name)
    return found


def _resource(given: list[dict[str, Any]]) -> Node:
    """The resource itself, or its JSON or XML text in one of the Lab's extensions."""
    found = next((one for one in given if one.get("name") == "resource"), {})
    resource = found.get("resource")
    if isinstance(resource, dict):
        return _known(resource)
    for extension in _listed(found.get("extension")):
        if isinstance(extension, dict) and isinstance(extension.get("valueString"), str):
            url, source = extension.get("url"), extension["valueString"].encode()
            if url == XML_VALUE:
                return root(to_json(source))
            if url == JSON_VALUE:
                return _known(_json(source))
    raise invalid("required", "a resource is wanted, or its text in the extension json-value or xml-value", "resource")


def _json(source: bytes) -> Any:
    check_depth(source)
    try:
        return read(source)
    except (msgspec.DecodeError, RecursionError):
        raise invalid("structure", "The content is not JSON.", "resource") from None


def _known(resource: Any) -> Node:
    node = root(resource)
    if not labels(node.type):
        raise invalid("structure", "The resourceType is not one of FHIR R4.", "resource")
    return node


def _variables(given: list[dict[str, Any]]) -> dict[str, Any]:
    """Name → node, or nothing for a variable without a value."""
    found: dict[str, Any] = {}
    for one in given:
        for each in _listed(one.get("part")) if one.get("name") == "variables" else ():
            name = each.get("name") if isinstance(each, dict) else None
            if not isinstance(name, str):
                raise invalid("required", "every variable has a name", "variables")
            values: list[Any] = []
            Node(each, "Parameters.parameter").add("value", values)
            Node(each, "Parameters.parameter").add("resource", values)
            for value in values:
                value.parent, value.label = None, f"%{name}"
            found.setdefault(name, []).extend(values)
    return found
