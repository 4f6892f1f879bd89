"""`onmaru terms`: code systems loaded from the files of their owners, beside the record; a running server notices them."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from onmaru.adapters.terms import athena, claml, loinc, rxnorm, sheet, snomed
from onmaru.app.house import MAIN, House, place
from onmaru.app.lines import say
from onmaru.app.progress import progress
from onmaru.app.refusal import DONE, NO, REFUSED, USAGE, Refusal
from onmaru.engines.terms.store import TermStore
from onmaru.kernel.deliveries import Delivery, Outcome

WHOLE = {"loinc": loinc.delivery, "snomed": snomed.delivery, "rxnorm": rxnorm.delivery, "icd10": claml.delivery}
KINDS = (*WHOLE, *sheet.KINDS, "athena")
TOLD = 20
_of = click.option("--tenant", default=MAIN, show_default=True, help="For which tenant.")
_json = click.option("--json", is_flag=True, help="Print JSON.")


@click.group()
def terms() -> None:
    """Load, list and remove code systems: LOINC, SNOMED CT, RxNorm, ICD-10, KCD, EDI, OHDSI vocabularies."""


def store_of(tenant: str) -> TermStore:
    """The systems that a tenant has loaded."""
    house = House(place(), rooms=())
    try:
        if not house.exists(tenant):
            raise Refusal(f"there is no tenant {tenant}; `onmaru tenant list` lists them", REFUSED)
        if not (house.folder(tenant) / "tenant.key").exists():
            # A tenant begins with its record: one with a key and no log would look robbed
            house.seat(tenant)
        return house.terms(tenant)
    finally:
        house.close()


def delivery(kind: str, path: Path, vocabulary: str, url: str, version: str) -> Delivery:
    """The files of a system, ready to be read. Raises Refusal and Invalid."""
    if kind == "athena":
        if not vocabulary:
            raise Refusal("name the vocabulary: --vocabulary ICD10CM", USAGE)
        return athena.delivery(path, vocabulary, url, version)
    if kind in WHOLE:
        return WHOLE[kind](path, url, version)
    return sheet.delivery(kind, path, url, version)


@terms.command("load")
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--url", default="", help="The system's url, where it is not the usual one.")
@click.option("--version", default="", help="The version, where the files do not tell it.")
@click.option("--vocabulary", default="", help="Of athena: which vocabulary_id.")
@click.option("--fragment", is_flag=True, help="The files hold only some of the codes: of the others nothing is said.")
@_of
@_json
def load(  # noqa: PLR0913 - click hands over each option as an argument
    kind: str, path: Path, url: str, version: str, vocabulary: str, fragment: bool, tenant: str, json: bool
) -> int:
    """Load a code system of KIND from PATH, a file or the folder of an unpacked release.

    Lines that are not of its form are refused by number, and the status is then 1; the others are loaded. A load that is
    broken off goes on where it was when the same command runs again.
    """
    found = delivery(kind, path, vocabulary, url, version)
    if fragment:
        about = msgspec.structs.replace(found.about, content="fragment")
        found = msgspec.structs.replace(found, about=about, mark=f"{found.mark} fragment")
    store = store_of(tenant)
    with progress(kind, sum(stage.size for stage in found.stages), quiet=json) as advance:
        outcome = store.load(found, advance)
    _tell(outcome, json=json)
    return NO if outcome.refusals else DONE


def _tell(outcome: Outcome, *, json: bool) -> None:
    told = {
        "system": outcome.about.url,
        "version": outcome.about.version,
        "concepts": outcome.concepts,
        "links": outcome.links,
        "refusals": outcome.refusals,
        "resumed": outcome.resumed,
    }
    if json:
        say({**told, "refused": msgspec.to_builtins(outcome.refused)}, json=True)
        return
    say(told, json=False)
    for one in outcome.refused[:TOLD]:
        click.echo(f"{one.file}:{one.line}: {one.reason}", err=True)
    if outcome.refusals > TOLD:
        click.echo(f"and {outcome.refusals - TOLD} more", err=True)


@terms.command("list")
@_of
@_json
def listing(tenant: str, json: bool) -> None:
    """List what is loaded; a load that was broken off is not whole."""
    for one in store_of(tenant).listed():
        say(msgspec.to_builtins(one), json=json)


@terms.command("remove")
@click.argument("url")
@click.option("--version", default="", help="This version only.")
@_of
@_json
def remove(url: str, version: str, tenant: str, json: bool) -> None:
    """Remove the system URL, in all its versions where none is named."""
    gone = store_of(tenant).remove(url, version)
    if not gone:
        raise Refusal("nothing of this url and version is loaded; `onmaru terms list` lists what is", REFUSED)
    say({"system": url, "removed": gone}, json=json)
