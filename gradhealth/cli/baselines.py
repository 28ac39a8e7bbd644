"""Where `--baseline` leads: a file, an analysis of the service, or a branch of it."""

from collections.abc import Collection, Iterator
from http import HTTPStatus
from itertools import islice
from pathlib import Path

from gradhealth.client import Client, RefusedError
from gradhealth.exceptions import InvalidDocumentError
from gradhealth.gate.baselines import Baseline, parse_baseline
from gradhealth.schemas.analysis import Analysis, Result

from .documents import not_usable, read_document
from .run_results import name_of_run

# A branch's analyses are looked through so far, newest first.
PAGE_SIZE, MAX_PAGES = 50, 20


def read_baseline(path: Path) -> Baseline:
    """The results in a file; none where there is no file yet.

    Raises:
        UnusableFileError: It cannot be read, or holds something else.
    """
    if not path.exists():
        return {}
    document = read_document(path)
    try:
        return parse_baseline(document.content)
    except InvalidDocumentError as error:
        raise not_usable(path, "baseline", error.problems) from error


def find_baseline(
    client: Client, name: str, project: str, files: Collection[str]
) -> Baseline:
    """The results that a service has under a name.

    Args:
        client: A client of the service.
        name: An analysis's id, which stands for every file; else a branch, whose
            newest result of each file is taken.
        project: Whose branch.
        files: Names of the files that are wanted.

    Raises:
        GradHealthError: The service is not there, or refuses.
    """
    analysis = _by_id(client, name)
    if analysis is not None:
        return dict.fromkeys(files, analysis.result) if analysis.result else {}
    return _of_branch(client, name, project, files)


def _by_id(client: Client, name: str) -> Analysis | None:
    # What could not be an id would be another address.
    if not name.replace("-", "").replace("_", "").isalnum():
        return None
    try:
        return client.get(name)
    except RefusedError as error:
        if error.status in {HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY}:
            return None
        raise


def _of_branch(
    client: Client, branch: str, project: str, files: Collection[str]
) -> Baseline:
    found: dict[str, Result] = {}
    has_runs = False
    for analysis in _newest_first(client, branch, project):
        file, run = (analysis.labels.get(key, "") for key in ("file", "run"))
        if not analysis.result or file not in files:
            continue
        has_runs |= bool(run)
        found.setdefault(name_of_run(file, run), analysis.result)
        # How many runs a file has is not known.
        if not has_runs and len(found) == len(files):
            break
    return found


def _newest_first(client: Client, branch: str, project: str) -> Iterator[Analysis]:
    pages = client.pages(
        project=project,
        status="succeeded",
        label=f"branch:{branch}",
        limit=PAGE_SIZE,
    )
    for page in islice(pages, MAX_PAGES):
        yield from page.items
