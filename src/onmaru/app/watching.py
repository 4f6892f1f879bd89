"""What the record asks before it takes a Subscription or a topic, and whose it then is. Topics are read from the record."""

from __future__ import annotations

from collections.abc import Callable

from onmaru.app.owning import owner_of
from onmaru.fhir.outcome import Invalid
from onmaru.fhir.query import Query
from onmaru.fhir.search import parse
from onmaru.fhir.subscriptions.topic import CODE, Topic, is_topic, topic_of
from onmaru.fhir.subscriptions.wanted import Wanted, fits, wanted
from onmaru.kernel.caller import Caller
from onmaru.kernel.gate import ALL
from onmaru.kernel.index import Index
from onmaru.kernel.log import Draft, Version
from onmaru.kernel.login import Logins
from onmaru.kernel.subscribing import HOUSE, Ledger


class Book:
    """Watch (kernel/subscribing.py) of one tenant. `tip`: the position up to which topics count.

    `stirred`: where a Subscription was last written by this process.
    """

    def __init__(self, ledger: Ledger, logins: Callable[[], Logins], index: Index, tip: Callable[[], int]) -> None:
        self.ledger = ledger
        self._logins = logins
        self._index = index
        self._tip = tip
        self._topics: dict[str, Topic] | None = None
        self._ids: set[str] = set()
        self.stirred = 0

    def judge(self, caller: Caller, draft: Draft) -> None:
        """What the house itself loads is kept as it came and does nothing; so is what is switched off."""
        if draft.body is None or not caller.grant:
            return
        if draft.type == "Basic":
            if is_topic(draft.body):
                topic_of(draft.body)
            return
        asked = wanted(draft.body)
        if asked.topic and asked.state != "off":
            fits(asked, self.topic(asked.topic))

    def took(self, caller: Caller, version: Version) -> None:
        """Who wrote it last owns it; a Basic may be a topic, before it or now."""
        if version.type == "Basic":
            if version.body is None or is_topic(version.body) or version.id in self._ids:
                self._topics = None
            return
        self.stirred = version.t
        if version.body is not None and (caller.grant or caller.user != HOUSE):
            self.ledger.own(version.id, owner_of(self._logins(), caller, version.version))

    def forget(self) -> None:
        """Another worker wrote: read the topics again."""
        self._topics = None

    def topic(self, canonical: str) -> Topic | None:
        """The topic of that url, with `|version` only of that version; None where there is none."""
        url, _, version = canonical.partition("|")
        found = self.topics().get(url)
        return found if found is not None and version in ("", found.version) else None

    def topics(self) -> dict[str, Topic]:
        """Every topic of the record that can fire, by url; of two with the same the newest."""
        if self._topics is None:
            self._topics = {}
            query: Query = parse(("Basic",), [("code", "|".join(CODE))])
            for version in reversed(self._index.find(_all(query), self._tip(), 0, 0, ALL).versions):
                topic = _read(version)
                self._ids.add(version.id)
                if topic is not None:
                    self._topics[topic.url] = topic
        return self._topics

    def standing(self, asked: Wanted) -> Topic | None:
        """The topic of a subscription as it is now; `Invalid` 422 when it can fire no more."""
        if not asked.topic:
            return None
        topic = self.topic(asked.topic)
        fits(asked, topic)
        return topic


def _all(query: Query) -> Query:
    return Query(query.types, query.clauses, count=2**31, total="none")


def _read(version: Version) -> Topic | None:
    try:
        return topic_of(version.body or b"")
    except Invalid:
        return None
