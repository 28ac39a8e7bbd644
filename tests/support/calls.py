"""How to call every operation of the service, for tests that walk over all of them.

A new route is added here: whether everybody may call it (`PUBLIC`), and else what its
path's parameters name and what it is sent (`CALLS`).
"""

import json
from dataclasses import dataclass, field
from typing import Any

from fastapi.routing import APIRoute, iter_route_contexts

from tests.support.requests import SPEC, body

METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class Call:
    """What is sent beside the path.

    Attributes:
        query: Where a value is the name of an id (`{analysis_id}`), the id is put in.
        form, files: The fields of a form, in place of JSON.
        path: Another id than that of the parameter's name.
    """

    query: dict[str, str | list[str]] = field(default_factory=dict)
    json: Any = None
    content: bytes | None = None
    form: dict[str, str] | None = None
    files: dict[str, bytes] | None = None
    path: dict[str, str] = field(default_factory=dict)


RUN = {"name": "sentinel", "layers": [{"path": "sentinel"}]}
BATCH = {"sequence": 0, "steps": [0], "series": {"loss": [1.0]}}


PUBLIC = {
    "read_health",
    "read_readiness",
    "read_version",
    "show_sign_in",
    "sign_in",
    "sign_out",
    "show_docs",
    "read_style",
}

# Asks for the scope `admin`, whichever project its key opens.
OPERATORS = {"read_metrics", "list_workers"}

LOG = b"\n".join(b'{"step": %d, "loss": 1.0}' % step for step in range(12))

CALLS = {
    "submit_analysis": Call(json=body()),
    "judge_log": Call({"project": "{project}"}, content=LOG),
    "list_analyses": Call(),
    "read_analysis": Call(),
    "list_runs_of_log": Call(),
    "cancel_analysis": Call(),
    "delete_analysis": Call(),
    "follow_analysis": Call(),
    "render_report": Call({"format": "json"}),
    "compare_analyses": Call({"baseline": "{analysis_id}"}),
    "draw_badge": Call(),
    "read_badge": Call(),
    "announce_run": Call(json={"name": "mine"}),
    "append_batch": Call(json=BATCH),
    "list_runs": Call(),
    "read_run": Call(),
    "follow_run": Call({"seconds": "0"}),
    "delete_run": Call(),
    "read_metrics": Call(),
    "make_webhook": Call(json={"url": "https://mine.invalid/"}),
    "list_webhooks": Call(),
    "list_deliveries": Call(),
    "replay_delivery": Call(),
    "delete_webhook": Call(),
    "show_runs": Call(),
    "show_run": Call(),
    "delete_run_and_show": Call(path={"run_id": "{other_run_id}"}),
    "show_analyses": Call(),
    "show_analysis": Call(),
    "show_comparison": Call({"pair": ["{analysis_id}", "{other_id}"]}),
    "show_history": Call(),
    "show_editor": Call({"from": "{analysis_id}"}),
    "show_log_form": Call(),
    "submit_log": Call(files={"file": LOG}),
    "submit_form": Call(form={"spec": json.dumps(SPEC)}),
    "cancel_and_show": Call(),
    "delete_and_show": Call(path={"analysis_id": "{other_id}"}),
    "list_workers": Call(),
}


def operations(app):
    """(name, method, path) of all operations, pages too; deleting comes last."""
    found = [
        (route.name, method.lower(), route.path_format)
        for route in iter_route_contexts(app.routes)
        if isinstance(route.original_route, APIRoute)
        for method in route.methods
    ]
    return sorted(found, key=lambda operation: METHODS.index(operation[1]))


async def call(api, operation, ids, headers):
    """Calls an operation about the things with these ids, by parameter's name."""
    name, method, path = operation
    known = CALLS.get(name, Call())
    named = {key: value.format(**ids) for key, value in known.path.items()}
    return await api.request(
        method,
        path.format(**(ids | named)),
        params={key: _filled(value, ids) for key, value in known.query.items()},
        json=known.json,
        content=known.content,
        data=known.form,
        files=known.files,
        headers=headers,
    )


def _filled(value, ids):
    if isinstance(value, list):
        return [each.format(**ids) for each in value]
    return value.format(**ids)
