"""A baseline: earlier results of the same files, as a file in the repository."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from ..documents.base import Record
from ..documents.strict_json import parse_object
from ..exceptions import InvalidDocumentError, Problem
from ..schemas.analysis import Durations, Result
from ..schemas.problems import problems_of

Baseline = Mapping[str, Result]
_NO_TIMES = Durations()


class _Item(Record):
    name: str
    result: Result | None = None


class _Items(Record):
    items: list[_Item]


def parse_baseline(text: str | bytes) -> Baseline:
    """Results by file, from what `gradhealth check --format json` wrote.

    Raises:
        InvalidDocumentError: It is something else.
    """
    document = parse_object(text.encode() if isinstance(text, str) else text)
    try:
        # A newer version may have said more than this one knows.
        if "items" in document:
            items = _Items.model_validate(document, extra="ignore").items
        else:
            items = [_Item.model_validate(document, extra="ignore")]
    except ValidationError as error:
        raise InvalidDocumentError(problems_of(error, document)) from error
    results = {item.name: item.result for item in items if item.result}
    if not results:
        raise InvalidDocumentError([Problem("", "holds no result")])
    return results


def write_baseline(results: Baseline) -> str:
    """The same text for the same results: sorted, one line a number, without times.

    Curves by layer and fixes are left out: nothing is compared with them.
    """
    items = [_item(name, results[name]) for name in sorted(results)]
    return json.dumps({"items": items}, indent=1, sort_keys=True)


def _item(name: str, result: Result) -> dict[str, Any]:
    environment = result.environment.model_copy(update={"durations": _NO_TIMES})
    kept = result.model_copy(
        update={"layer_curves": {}, "fixes": [], "environment": environment}
    )
    return {"name": name, "result": json.loads(kept.model_dump_json())}
