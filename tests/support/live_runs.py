"""A run that is sent in batches."""

import gzip

import numpy as np

from gradhealth.batches.batch import Batch
from gradhealth.batches.packing import CONTENT_TYPE

LAYERS = [{"path": f"layers.{i}", "type": "Linear"} for i in range(3)]


async def announce(api, **changes):
    """The id of a new run."""
    body = {"name": "a run", "layers": LAYERS, **changes}
    answer = await api.post("/v1/runs", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def a_batch(losses, *, sequence=0, first_step=0):
    """Losses, and norms around 1 in every layer."""
    num_steps = len(losses)
    noise = np.random.default_rng(first_step).standard_normal((num_steps, len(LAYERS)))
    return Batch(
        sequence,
        np.arange(first_step, first_step + num_steps),
        {"loss": np.ma.masked_array(losses)},
        {"grad_norm": np.ma.masked_array(10 ** (0.1 * noise))},
    )


async def send(api, run_id, batch, form="json"):
    is_binary = "binary" in form
    body = batch.to_binary() if is_binary else batch.to_json()
    headers = {"Content-Type": CONTENT_TYPE if is_binary else "application/json"}
    if "gzip" in form:
        body, headers["Content-Encoding"] = gzip.compress(body), "gzip"
    return await api.post(f"/v1/runs/{run_id}/batches", content=body, headers=headers)
