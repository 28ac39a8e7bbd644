"""A training with the real recorder, sent to a real service that is killed meanwhile.

The service is gone while the second third is trained: a training that waited for it
would never end.
"""

import math
import re
import time

import httpx
import numpy as np
import pytest
import torch

from gradhealth.recorder import Recorder, diagnose
from gradhealth.schemas.run import Alert, Run
from tests.support.products import running_product
from tests.support.trainings import mlp, train

# Runs need no training processes: these are ready at once.
QUICK = {
    "GRADHEALTH_ANALYSIS_MODULE": "tests.support.quick_analysis",
    "GRADHEALTH_UNITS_MODULE": "tests.support.faulty_units",
}
NUM_STEPS = 60


class Watcher:
    """Looks at the one run of a service, as a person's program would."""

    def __init__(self, url):
        self._http = httpx.Client(base_url=url, trust_env=False, timeout=30)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._http.close()

    def run(self):
        """The run, once it is announced."""
        while not (listed := self._http.get("/v1/runs").json()["items"]):
            time.sleep(0.05)
        answer = self._http.get(listed[0]["links"]["self"]).raise_for_status()
        return Run.model_validate_json(answer.content)

    def run_with(self, num_steps):
        """The run, once so many steps of it have come."""
        while (run := self.run()).num_steps < num_steps:
            time.sleep(0.05)
        return run

    def alerts(self, after=0):
        """The alerts that a stream tells in its first half second."""
        answer = self._http.get(
            f"{self.run().links.events}?seconds=0.5",
            headers={"Last-Event-ID": str(after)},
        )
        told = re.findall(r"^event: alert\ndata: (.*)$", answer.text, re.MULTILINE)
        return [Alert.model_validate_json(text) for text in told]


def a_training():
    """Twelve layers of sigmoids, which learn nothing."""
    model = mlp(depth=12, activation=torch.nn.Sigmoid)
    return model, torch.optim.SGD(model.parameters(), lr=0.1)


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """What was seen before a service was killed, and after it came back."""
    data, spool = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("spool")
    model, optimizer = a_training()
    seen = {"model": model, "spool": spool, "losses": []}

    def go_on(recorder):
        losses = train(model, optimizer, num_steps=NUM_STEPS, recorder=recorder)
        seen["losses"] += losses
        recorder.trace()  # everything so far is out of the training's hands

    with running_product(data, **QUICK) as product, Watcher(product.url) as watcher:
        url, port = product.url, int(product.url.rpartition(":")[2])
        recorder = seen["recorder"] = Recorder(
            model,
            optimizer,
            run="mine",
            to=url,
            spool=spool,
            trivial_loss=math.log(4),
            budget=None,
        )
        recorder.start()
        go_on(recorder)
        watcher.run_with(NUM_STEPS)
        seen["before"] = watcher.alerts()
        product.process.kill()
    go_on(recorder)
    with running_product(data, port=port, **QUICK), Watcher(url) as watcher:
        go_on(recorder)
        recorder.close()
        seen["run"] = watcher.run()
        seen["after"] = watcher.alerts(after=seen["before"][-1].number)
        seen["in all"] = watcher.alerts()
    return seen


def test_every_step_arrived_with_its_numbers(story):
    run, trace = story["run"], story["recorder"].trace()

    assert (run.name, run.num_steps, run.last_step) == ("mine", 180, 179)
    assert run.num_layers == len(trace.layers)
    assert run.result.curves["loss"].steps == list(range(180))
    assert run.result.curves["loss"].mean == np.float32(story["losses"]).tolist()
    first = trace.layer_series["grad_norm"][0, 0]
    assert run.result.layers[0].grad_norm.start.mean == np.float32(first)
    assert [path for path in story["spool"].rglob("*") if path.is_file()] == []


def test_the_training_is_the_one_that_nobody_recorded(story):
    model, optimizer = a_training()
    losses = [
        loss for _ in range(3) for loss in train(model, optimizer, num_steps=NUM_STEPS)
    ]

    assert story["losses"] == losses
    for recorded, bare in zip(
        story["model"].parameters(), model.parameters(), strict=True
    ):
        assert torch.equal(recorded, bare)


def test_alerts_are_told_once_across_the_restart(story):
    before, after = story["before"], story["after"]

    assert ("raised", "vanishing_gradient") in {(a.state, a.problem) for a in before}
    assert story["in all"] == before + after
    numbers = [alert.number for alert in story["in all"]]
    assert numbers == list(range(1, len(numbers) + 1))
    raised = [a.problem for a in before + after if a.state == "raised"]
    assert len(raised) == len({*raised})


def test_the_diagnosis_at_the_end_is_that_of_the_whole_run(story):
    run, here = story["run"], diagnose(story["recorder"])

    assert (run.verdict, run.primary) == ("critical", "vanishing_gradient")
    assert run.judged_step == 179
    assert [f.problem for f in run.result.findings] == [
        f.problem for f in here.findings
    ]
    assert run.result.findings[0].cause.kind == "activation"


def test_what_was_lost_and_what_waited_is_told(story):
    assert [note for note in story["recorder"].notes if "batch" in note] == []


def test_a_run_of_more_layers_than_the_service_takes_arrives_without_them(tmp_path):
    model, optimizer = a_training()
    with (
        running_product(tmp_path / "data", GRADHEALTH_MAX_LAYERS="10", **QUICK) as it,
        Watcher(it.url) as watcher,
    ):
        to, spool = it.url, tmp_path / "spool"
        with Recorder(model, optimizer, to=to, spool=spool, budget=None) as recorder:
            train(model, optimizer, num_steps=NUM_STEPS, recorder=recorder)
        run = watcher.run_with(NUM_STEPS)

    assert run.num_layers == 0
    assert run.result.curves["grad_norm"].steps == list(range(NUM_STEPS))
    assert any("more than 10 layers" in note for note in recorder.notes)
