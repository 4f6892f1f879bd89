"""`onmaru docs`: pages generated from code, and the site built without a network."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from onmaru.app import reference, refusal
from onmaru.app.checkout import root


@click.group("docs")
def docs() -> None:
    """Build the documentation and its generated pages."""


@docs.command("reference")
@click.option("--check", is_flag=True, help="Write nothing; fail where a page is stale.")
def generate(check: bool) -> int:
    """Write the pages that are generated from code: settings, commands, exit statuses."""
    top, stale = root(), []
    for name, text in reference.pages().items():
        page = top / "docs" / name
        if not page.is_file() or page.read_text("utf-8") != text:
            stale.append(name)
            if not check:
                page.parent.mkdir(parents=True, exist_ok=True)
                page.write_text(text, "utf-8")
    for name in stale:
        click.echo(f"{'stale' if check else 'written'}  docs/{name}")
    return refusal.NO if check and stale else refusal.DONE


@docs.command("build")
@click.option("--out", type=click.Path(path_type=Path), help="Where to write the site; by default it is only checked.")
@click.option("--quiet", is_flag=True, help="Say only what is wrong.")
def build(out: Path | None, quiet: bool) -> int:
    """Build the site, strictly: a broken link or a page that mkdocs does not understand is an error."""
    with tempfile.TemporaryDirectory(prefix="onmaru-docs-") as scratch:
        argv = [
            sys.executable,
            "-m",
            "mkdocs",
            "build",
            "--strict",
            "--site-dir",
            str((out or Path(scratch)).resolve()),
        ]
        # The theme would otherwise print an advertisement for its successor, as colour, into every log.
        environ = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
        # Not mkdocs' own --quiet: with it, strict no longer sees the warnings.
        done = subprocess.run(argv, cwd=root(), env=environ, check=False, capture_output=True, text=True)  # noqa: S603 - a program of ours
    if done.returncode or not quiet:
        click.echo((done.stdout + done.stderr).strip())
    return refusal.DONE if done.returncode == 0 else refusal.NO


if __name__ == "__main__":
    from onmaru.app.cli import run

    sys.exit(run(sys.argv[1:], docs))
