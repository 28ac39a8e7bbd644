"""Clients that do not give up: they send again until they are told it was accepted."""

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor

import httpx

_PAUSE_SECONDS = 0.3
_PATIENCE_SECONDS = 300.0


def submit_all(url, names_of_projects):
    """The ids of the accepted analyses by name; all projects send at the same time.

    Args:
        url: The service.
        names_of_projects: The names of each project's analyses.
    """
    with ThreadPoolExecutor(len(names_of_projects)) as threads:
        sent = [
            threads.submit(_submit, url, project, names)
            for project, names in names_of_projects.items()
        ]
        return {name: id_ for each in sent for name, id_ in each.result().items()}


def read_all(url, ids):
    """The analyses as the service shows them."""
    with httpx.Client(base_url=url, timeout=30) as client:
        return [
            client.get(f"/v1/analyses/{id_}").raise_for_status().json() for id_ in ids
        ]


def _submit(url, project, names):
    with httpx.Client(base_url=url, timeout=10) as client:
        return {name: _until_accepted(client, project, name) for name in names}


def _until_accepted(client, project, name):
    spec = {
        "name": name,
        "data": {"task": "clusters"},
        "model": [{"type": "Linear", "out_features": 4}],
    }
    body = {"kind": "architecture", "spec": spec, "project": project}
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            answer = client.post(
                "/v1/analyses", json=body, headers={"Idempotency-Key": name}
            )
            if answer.is_success:
                return answer.json()["id"]
        time.sleep(_PAUSE_SECONDS)
    raise TimeoutError(f"{name} was not accepted within {_PATIENCE_SECONDS} s")
