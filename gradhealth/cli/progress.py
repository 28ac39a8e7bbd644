"""Shows how far the work has come: a bar on a terminal, lines elsewhere."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from gradhealth.schemas.analysis import Progress

from .output import complain, console

Show: TypeAlias = Callable[[Progress], None]


@contextmanager
def progress_of(name: str) -> Iterator[Show]:
    """A function that shows the progress of the work with this name, on stderr."""
    screen = console(stderr=True)
    # A build log keeps every redrawn bar, even where it pretends to be a terminal.
    if not screen.is_terminal or os.environ.get("CI"):
        yield _lines(name)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Bar(*columns, console=screen, transient=True) as bar:
        task = bar.add_task(name, total=None)

        def show(progress: Progress) -> None:
            bar.update(
                task,
                description=f"{name}: {progress.phase}",
                completed=progress.done,
                total=progress.total or None,
            )

        yield show


def _lines(name: str) -> Show:
    last_phase = ""

    def show(progress: Progress) -> None:
        nonlocal last_phase
        if progress.phase != last_phase:
            last_phase = progress.phase
            complain(f"{name}: {progress.phase}")

    return show
