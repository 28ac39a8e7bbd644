"""Who sends what: 1,000 layers and 4 statistics a step, in the forms that are known."""

import gzip
import time
from dataclasses import dataclass
from functools import cached_property

import httpx
import numpy as np

from gradhealth.batches.batch import Batch
from gradhealth.batches.packing import CONTENT_TYPE

NUM_LAYERS = 1000
JUDGED = ("grad_norm", "weight_norm", "update_ratio", "forward_std")
# Any other name: it is stored, and no detector asks for it.
STORED = tuple(f"my_{name}" for name in JUDGED)
VALUES_PER_STEP = NUM_LAYERS * len(JUDGED)


def a_batch(sequence, num_steps, statistics):
    """Norms that differ by layer and wander by a tenth."""
    chance = np.random.default_rng(sequence)
    layers = np.exp(np.random.default_rng(0).normal(size=NUM_LAYERS))
    first = sequence * num_steps
    return Batch(
        sequence,
        np.arange(first, first + num_steps),
        {"loss": np.ma.masked_array(2.3 * 0.99 ** np.arange(first, first + num_steps))},
        {
            name: np.ma.masked_array(
                layers * np.exp(0.1 * chance.normal(size=(num_steps, NUM_LAYERS)))
            )
            for name in statistics
        },
    )


@dataclass(frozen=True)
class Batches:
    """Sends a new run, and waits until nothing is left to do for it.

    With `is_judged` the detectors look at all of its numbers, else at the losses.
    """

    form: str
    num_steps: int
    num_batches: int
    is_judged: bool = False

    @cached_property
    def bodies(self):
        statistics = JUDGED if self.is_judged else STORED
        return [
            self._body(a_batch(n, self.num_steps, statistics))
            for n in range(self.num_batches)
        ]

    @property
    def title(self):
        judged = ", judged" if self.is_judged else ""
        return f"{self.form}, {self.num_steps} a batch{judged}"

    @property
    def num_values(self):
        return self.num_batches * self.num_steps * VALUES_PER_STEP

    def _body(self, batch):
        if self.form == "binary":
            return batch.to_binary()
        return gzip.compress(batch.to_json(), 6)

    @property
    def _headers(self):
        if self.form == "binary":
            return {"Content-Type": CONTENT_TYPE}
        return {"Content-Type": "application/json", "Content-Encoding": "gzip"}

    def send(self, http):
        layers = [{"path": f"layers.{n}", "type": "Linear"} for n in range(NUM_LAYERS)]
        run = http.post("/v1/runs", json={"name": "bench", "layers": layers}).json()
        address = run["links"]["batches"]
        for body in self.bodies:
            answer = http.post(address, content=body, headers=self._headers)
            assert answer.status_code == httpx.codes.OK, answer.text
        self._wait_for_judgement(http)

    def _wait_for_judgement(self, http):
        while True:
            time.sleep(0.5)
            (run,) = http.get("/v1/runs?limit=1").json()["items"]
            if run["judged_step"] == run["last_step"]:
                return


@dataclass(frozen=True)
class Metrics:
    """MLflow's `log-batch`, 1,000 metrics each: as many as it takes at once."""

    num_batches: int
    title = "log-batch, 1,000 metrics"

    @property
    def num_values(self):
        return self.num_batches * NUM_LAYERS

    def send(self, http):
        api = "/api/2.0/mlflow"
        experiment = {"experiment_id": "0", "start_time": 1}
        created = http.post(f"{api}/runs/create", json=experiment).json()
        run_id = created["run"]["info"]["run_id"]
        for step in range(self.num_batches):
            metrics = [
                {"key": f"layers.{n}", "value": 0.5, "timestamp": step, "step": step}
                for n in range(NUM_LAYERS)
            ]
            body = {"run_id": run_id, "metrics": metrics}
            http.post(f"{api}/runs/log-batch", json=body).raise_for_status()
