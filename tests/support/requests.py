"""Requests to the service, and a worker that finishes them at once."""

from storage.work.claims import ClaimStore
from tests.support.results import a_result

SPEC = {
    "spec_version": 1,
    "name": "tiny",
    "data": {"task": "clusters"},
    "model": [{"type": "Linear", "out_features": 4}],
}


def body(**changes):
    return {"kind": "architecture", "spec": SPEC, **changes}


async def finish(stores, analysis_id, **changes):
    """Does what a worker does with a claimed analysis."""
    claims: ClaimStore = stores.claims()
    claim = await claims.begin(analysis_id)
    await claims.finish(claim, a_result(**changes), b"trace")
