"""A progress bar on stderr while something long runs; nothing where nobody watches, so stdout and logs stay clean."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Advance = Callable[[float], None]


@contextmanager
def progress(label: str, total: float | None, *, quiet: bool = False) -> Iterator[Advance]:
    """Give a function that moves the bar on by an amount. `total` None: the end is not known, only movement shows.

    `quiet` (a command's --json) or a stderr that is no terminal shows nothing at all.
    """
    if quiet or not sys.stderr.isatty():
        yield lambda amount: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=total)
        yield lambda amount: bar.advance(task, amount)
