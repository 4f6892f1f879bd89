"""Pure: a Questionnaire as a page asks it, and what was answered as items of a QuestionnaireResponse.

Its one law: an answer that the form does not ask for, or not in this way, is refused with the place where it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from onmaru.fhir.outcome import invalid

# What a page can ask; a form with any other required item is not offered (asked_items gives [])
TYPES = ("boolean", "integer", "decimal", "choice", "string", "text", "display", "group")
LONGEST, DEEPEST, MOST = 2000, 5, 200


def asked_items(form: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
    """`[{linkId, text, type, required, options, items}]`; [] where the form asks what cannot be asked here."""
    found = list(_asked(form, 0))
    return found if _whole(form, 0) else []


def _whole(form: Mapping[str, Any], depth: int) -> bool:
    """Whether nothing is asked that is not understood: conditions and repeats among it."""
    items = form.get("item") or []
    if depth > DEEPEST or len(items) > MOST:
        return False
    plain = all(one.get("type") in TYPES and not one.get("enableWhen") and not one.get("repeats") for one in items)
    return plain and all(_choosable(one) and _whole(one, depth + 1) for one in items)


def _choosable(one: Mapping[str, Any]) -> bool:
    return one.get("type") != "choice" or bool(_options(one))


def _asked(form: Mapping[str, Any], depth: int) -> Iterator[dict[str, Any]]:
    for one in form.get("item") or [] if depth <= DEEPEST else ():
        yield {
            "linkId": str(one.get("linkId", "")),
            "text": str(one.get("text", "")),
            "type": str(one.get("type", "")),
            "required": bool(one.get("required")),
            "options": [text for text, _ in _options(one)],
            "items": list(_asked(one, depth + 1)),
        }


def _options(one: Mapping[str, Any]) -> Sequence[tuple[str, dict[str, Any]]]:
    """Each option's words and the answer that it is."""
    found: list[tuple[str, dict[str, Any]]] = []
    for option in one.get("answerOption") or []:
        coding = option.get("valueCoding")
        if coding:
            found.append((str(coding.get("display") or coding.get("code", "")), {"valueCoding": coding}))
        elif "valueString" in option or "valueInteger" in option:
            name = "valueString" if "valueString" in option else "valueInteger"
            found.append((str(option[name]), {name: option[name]}))
    return found


def answered(form: Mapping[str, Any], answers: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The items of a response; `Invalid` 422 for what is not asked, missing where required, or not of its type."""
    if not asked_items(form):
        raise invalid("not-supported", "this form cannot be filled in here", "form", 422)
    left = dict(answers)
    found = list(_answered(form, left))
    if left:
        raise invalid("value", "the form does not ask for it", f"answers.{_place(next(iter(left)))}", 422)
    return found


def _place(link: str) -> str:
    return link if link.isascii() and link.isprintable() and len(link) <= 64 else "?"


def _answered(form: Mapping[str, Any], left: dict[str, Any]) -> Iterator[Mapping[str, Any]]:
    for one in form.get("item") or []:
        link, type = str(one.get("linkId", "")), str(one.get("type"))
        below = list(_answered(one, left))
        given = left.pop(link, None) if type not in ("group", "display") else None
        if given is None:
            if one.get("required") and type not in ("group", "display"):
                raise invalid("required", "is asked for", f"answers.{_place(link)}", 422)
            if below:
                yield {"linkId": link, "text": str(one.get("text", "")), "item": below}
            continue
        answer = ANSWERS[type](one, given)
        if answer is None:
            raise invalid("value", f"not a {type} that the form takes", f"answers.{_place(link)}", 422)
        yield {"linkId": link, "text": str(one.get("text", "")), "answer": [answer]} | (
            {"item": below} if below else {}
        )


def _boolean(one: Mapping[str, Any], given: Any) -> dict[str, Any] | None:
    return {"valueBoolean": given} if isinstance(given, bool) else None


def _integer(one: Mapping[str, Any], given: Any) -> dict[str, Any] | None:
    good = isinstance(given, int) and not isinstance(given, bool) and abs(given) < 2**31
    return {"valueInteger": given} if good else None


def _decimal(one: Mapping[str, Any], given: Any) -> dict[str, Any] | None:
    good = isinstance(given, int | float) and not isinstance(given, bool) and abs(given) < 1e12
    return {"valueDecimal": given} if good else None


def _text(one: Mapping[str, Any], given: Any) -> dict[str, Any] | None:
    return {"valueString": given} if isinstance(given, str) and 0 < len(given.strip()) <= LONGEST else None


def _choice(one: Mapping[str, Any], given: Any) -> dict[str, Any] | None:
    """By the words of an option."""
    return dict(_options(one)).get(given) if isinstance(given, str) else None


ANSWERS: Mapping[str, Callable[[Mapping[str, Any], Any], dict[str, Any] | None]] = {
    "boolean": _boolean,
    "integer": _integer,
    "decimal": _decimal,
    "choice": _choice,
    "string": _text,
    "text": _text,
}
