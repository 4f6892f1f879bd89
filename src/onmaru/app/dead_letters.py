"""`onmaru dead-letters`: what the doors refused, seen, mended and replayed at the keyboard of the house.

While a server runs the work goes through it, so that each tenant keeps one door; else the house is opened for it.
"""

from __future__ import annotations

import json as plain_json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import click

from onmaru.adapters.door import Door
from onmaru.adapters.reasons import Language
from onmaru.app.asking import Server
from onmaru.app.fresh import new_id
from onmaru.app.house import MAIN, House, now, place, system
from onmaru.app.lines import say
from onmaru.app.refusal import DONE, NO, Refusal
from onmaru.engines.sqlite.home import Taken
from onmaru.kernel.accounts import User

STEWARD = User("", "onmaru-dead-letters", "onmaru dead-letters", ("system",))
_PAGE = ("id", "at", "door", "format", "reason", "where", "state", "size")
Json = Mapping[str, Any]


class Letters(Protocol):
    """The dead letters of one tenant."""

    def page(self, state: str) -> Json: ...

    def one(self, id: str) -> Json: ...

    def mend(self, id: str, text: str) -> Json: ...

    def replay(self, id: str) -> Json: ...


class Opened:
    """The letters of a house that nobody serves."""

    def __init__(self, house: House, tenant: str, language: Language) -> None:
        home = house.seat(tenant).home
        self._letters = Door(now, new_id).letters
        self._hall = house.hall(system(tenant, STEWARD.user), language=language)
        self._settle: Callable[[], None] = lambda: home.wait(home.tip())

    def page(self, state: str) -> Json:
        return self._letters.page(self._hall, state)

    def one(self, id: str) -> Json:
        return self._letters.one(self._hall, id)

    def mend(self, id: str, text: str) -> Json:
        done = self._letters.mend(self._hall, id, text)
        self._settle()
        return done

    def replay(self, id: str) -> Json:
        done = self._letters.replay(self._hall, id)
        self._settle()
        return done


class Served:
    """The letters of a running server, asked for over its own API with a token that lasts a minute."""

    def __init__(self, house: House, tenant: str, language: Language) -> None:
        self._server = Server(house, tenant, STEWARD)
        self._language = language

    def page(self, state: str) -> Json:
        return self._ask("GET", f"?state={state}")

    def one(self, id: str) -> Json:
        return self._ask("GET", f"/{id}")

    def mend(self, id: str, text: str) -> Json:
        return self._ask("PUT", f"/{id}", {"text": text})

    def replay(self, id: str) -> Json:
        return self._ask("POST", f"/{id}/replay")

    def _ask(self, method: str, path: str, body: Json | None = None) -> Json:
        data = None if body is None else plain_json.dumps(body).encode()
        found: Json = plain_json.loads(self._server.ask(method, f"/api/dead-letters{path}", data, self._language))
        return found


@contextmanager
def letters(tenant: str, language: Language = "en") -> Iterator[Letters]:
    """The letters of a tenant, of the running server where there is one."""
    house = House(place(), rooms=())
    if not house.exists(tenant):
        raise Refusal(f"there is no tenant {tenant}; `onmaru tenant list` lists them")
    try:
        try:
            found: Letters = Opened(house, tenant, language)
        except Taken:
            found = Served(house, tenant, language)
        yield found
    finally:
        house.close()


_of = click.option("--tenant", default=MAIN, show_default=True, help="Whose letters.")
_language = click.option(
    "--language",
    type=click.Choice(["ko", "en"]),
    default="en",
    show_default=True,
    help="In which language reasons are told.",
)
_json = click.option("--json", is_flag=True, help="Print JSON.")


@click.group("dead-letters")
def dead_letters() -> None:
    """See, mend and replay what the doors could not take. Works beside a running server and without one."""


@dead_letters.command("list")
@click.option(
    "--state", type=click.Choice(["open", "replayed", "all"]), default="open", show_default=True, help="Which letters."
)
@_of
@_language
@_json
def listing(state: str, tenant: str, language: Language, json: bool) -> None:
    """List letters, newest first, at most 200: which door, what format, why and where. Never what they hold."""
    with letters(tenant, language) as found:
        page = found.page("" if state == "all" else state)
    for item in page["items"]:
        say({name: item[name] for name in _PAGE}, json=json)
    say({"total": page["total"]}, json=json)


@dead_letters.command("show")
@click.argument("id")
@_of
@_language
@_json
def show(id: str, tenant: str, language: Language, json: bool) -> None:
    """Show one letter with its text: patient data, for eyes that may see it. The text of a v2 message has a segment a line.

    The output can be edited and given to `mend`.
    """
    with letters(tenant, language) as found:
        one = found.one(id)
    say(one if json else {"text": one["text"]}, json=json)


@dead_letters.command("mend")
@click.argument("id")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@_of
@_json
def mend(id: str, file: Path, tenant: str, json: bool) -> None:
    """Keep the text in FILE (- is standard input) as the mended form of a letter; what came is never changed."""
    with click.open_file(str(file), "r", "utf-8") as source:
        text = source.read()
    with letters(tenant) as found:
        item = found.mend(id, text)
    say({"id": id, "state": item["state"], "size": len(text.encode())}, json=json)


@dead_letters.command("replay")
@click.argument("ids", nargs=-1, metavar="ID...")
@click.option("--all", "every", is_flag=True, help="Every open letter, oldest first; at most 200 a run.")
@_of
@_language
@_json
def replay(ids: tuple[str, ...], every: bool, tenant: str, language: Language, json: bool) -> int:
    """Give letters to their door again. Exit 0 when all were taken, 1 when one stays open."""
    if bool(ids) == every:
        raise click.UsageError("name letters, or say --all")
    taken = True
    with letters(tenant, language) as found:
        chosen = [item["id"] for item in reversed(found.page("open")["items"])] if every else ids
        for id in chosen:
            done = found.replay(id)
            taken = taken and done["state"] == "replayed"
            say({"id": id, **done}, json=json)
    return DONE if taken else NO
