"""The nodes of a query's tree: what they are called in a plan, and which is looked up first."""

from __future__ import annotations

from onmaru.fhir.query import Chain, Clause, Either, Has, Node, Wide


def described(node: Node) -> str:
    """A node by the names of its parameters, without any value."""
    if isinstance(node, Chain):
        return f"{node.parameter.code} of {', '.join(dict.fromkeys(type for type, _ in node.inner))}"
    if isinstance(node, Has):
        return f"{node.type} by {node.parameter.code}"
    if isinstance(node, Either):
        return "any of these"
    clause = node.clause if isinstance(node, Wide) else node
    return ":".join(filter(None, (clause.parameter.code, clause.modifier)))


def cost(clause: Node) -> int:
    """Which clause to look up first: what usually names fewest."""
    if isinstance(clause, Either):
        return max((cost(one) for _, one in clause.of), default=0)
    if isinstance(clause, Clause):
        if clause.parameter.code == "_id":
            return 0
        if clause.parameter.expression:
            return 9
        if clause.modifier in ("not", "missing"):
            return 8
        return {"reference": 1, "string": 3, "token": 2, "uri": 3, "composite": 3}.get(clause.parameter.kind, 4)
    return 6 if isinstance(clause, Chain) else 7
