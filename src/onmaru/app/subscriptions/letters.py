"""What a notification looks like on each way out; pure. A mail tells nothing of a patient unless its tenant allows it."""

from __future__ import annotations

from collections.abc import Sequence

from onmaru.fhir.subscriptions.notification import Kind, Standing, Told, message, notification
from onmaru.fhir.subscriptions.wanted import Content, Wanted
from onmaru.fhir.xml_writing import to_xml
from onmaru.kernel.outbound import Letter, Mail

JSON = "application/fhir+json"
XML = "application/fhir+xml"
SUBJECT = "Onmaru: subscription / 구독 알림"
_WORDS = {
    "handshake": "This subscription sends its mails here.\n이 구독의 알림을 이 주소로 보냅니다.",
    "heartbeat": "This subscription is alive.\n이 구독은 작동하고 있습니다.",
}
_NEWS = (
    "Something that this subscription waits for has happened; ask the server for it.\n"
    "구독한 일이 있었습니다. 서버에서 확인하십시오."
)


def bundle(asked: Wanted, standing: Standing, kind: Kind, now: int, events: Sequence[Told]) -> bytes:
    """The notification Bundle in the form that was asked for."""
    return _formed(notification(standing, kind, now, events, asked.content), asked.form)


def letter(asked: Wanted, standing: Standing, kind: Kind, now: int, events: Sequence[Told]) -> Letter | None:
    """What goes to a rest-hook or as a message; None where this kind of notification has no classic form."""
    seconds = float(asked.timeout or 15)
    if asked.channel == "message":
        notified = notification(standing, kind, now, events, asked.content)
        body = _formed(message(standing, notified, asked.endpoint, now), asked.form)
        url = f"{asked.endpoint.rstrip('/')}/$process-message"
        return Letter(url, body, _kind(asked), headers=asked.headers, seconds=seconds)
    if asked.topic:
        body = bundle(asked, standing, kind, now, events)
        return Letter(asked.endpoint, body, _kind(asked), headers=asked.headers, seconds=seconds)
    if not events:
        return None
    return _classic(asked, events[0], seconds)


def _classic(asked: Wanted, event: Told, seconds: float) -> Letter | None:
    """R4, channel type rest-hook: an empty POST, or the resource by PUT below the endpoint where a payload is named."""
    headers = (*asked.headers, ("X-Onmaru-Event-Number", str(event.number)))
    if asked.bare:
        return Letter(asked.endpoint, headers=headers, seconds=seconds)
    url = f"{asked.endpoint.rstrip('/')}/{event.name}"
    if event.body is None:
        return None
    return Letter(url, _formed(event.body, asked.form), _kind(asked), "PUT", headers, seconds)


def mail(asked: Wanted, standing: Standing, kind: Kind, now: int, events: Sequence[Told], open: bool) -> Mail:
    """`open`: the tenant lets patient data into mails; else the content is empty whatever was asked for."""
    text = f"{_WORDS.get(kind, _NEWS)}\n\n{standing.base}/Subscription/{standing.id}/$events\n"
    numbers = ", ".join(str(one.number) for one in events)
    if numbers:
        text += f"event: {numbers}\n"
    content: Content = asked.content if open else "empty"
    attached = (JSON, notification(standing, kind, now, events, content)) if asked.form else None
    return Mail(asked.endpoint, SUBJECT, text, attached)


def _formed(body: bytes, form: str) -> bytes:
    return to_xml(body) if form == "xml" else body


def _kind(asked: Wanted) -> str:
    return XML if asked.form == "xml" else JSON
