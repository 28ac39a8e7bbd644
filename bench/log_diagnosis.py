"""`./scripts/bench log_diagnosis`: CPU seconds and memory to judge long, wide logs.

Each size runs in a process of its own, so that the peak is its own; the numbers come
from a generator and are counted apart from the diagnosis.
"""

import json
import resource
import subprocess
import sys
import time

import numpy as np

from gradhealth.logs.histories.history import History
from gradhealth.logs.results import judge_history, judge_log
from gradhealth.schemas.trace import Context, Trace, TracedLayer

SIZES = ((100, 10_000), (1_000, 1_000), (1_000, 10_000))
STATISTICS = ("grad_norm", "weight_norm")
STEPS_PER_BATCH = 10


def main() -> None:
    """Prints a table; with a size as arguments, measures that."""
    if len(sys.argv) > 2:
        print(json.dumps(measure(int(sys.argv[1]), int(sys.argv[2]))))
        return
    print("| layers x steps x 2 statistics | CPU s | peak above the trace, MB |")
    print("|---|---|---|")
    for layers, steps in SIZES:
        runs = [in_a_process(layers, steps) for _ in range(3)]
        seconds = np.median([run["seconds"] for run in runs])
        print(f"| {layers} x {steps} | {seconds:.2f} | {runs[0]['peak_mb']:.0f} |")
    print(f"\nA run of 1,000 layers that goes on, {STEPS_PER_BATCH} steps a batch:\n")
    print("| after steps | CPU ms to add a batch | to judge |")
    print("|---|---|---|")
    for steps, add, judge in growing():
        print(f"| {steps} | {1000 * add:.1f} | {1000 * judge:.0f} |")


def in_a_process(layers: int, steps: int) -> dict[str, float]:
    command = [sys.executable, "-m", __spec__.name, str(layers), str(steps)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def measure(layers: int, steps: int) -> dict[str, float]:
    trace = a_trace(layers, steps)
    before, began = peak_mb(), time.process_time()
    judge_log(trace)
    return {
        "seconds": time.process_time() - began,
        "peak_mb": peak_mb() - before,
        "whole_mb": peak_mb(),
    }


def a_trace(layers: int, steps: int, first: int = 0) -> Trace:
    chance = np.random.default_rng(first)
    shape = steps, layers
    tables = {name: table(chance, shape) for name in STATISTICS}
    loss = 5 * np.exp(-np.linspace(0, 3, steps)) + 0.1 * chance.standard_normal(steps)
    return Trace(
        run="wide",
        layers=tuple(TracedLayer(path=f"layers.{i}.weight") for i in range(layers)),
        steps=first + np.arange(steps),
        series={"loss": np.ma.masked_array(loss)},
        layer_series=tables,
        context=Context(),
    )


def table(chance: np.random.Generator, shape: tuple[int, int]) -> np.ma.MaskedArray:
    values = chance.standard_normal(shape)
    values *= 0.2
    np.power(10.0, values, out=values)
    return np.ma.masked_array(values, np.zeros(shape, bool))


def growing():
    history = History(a_trace(1_000, 1).layers, Context())
    batches = [a_trace(1_000, STEPS_PER_BATCH, first) for first in range(8)]
    row = 0
    for target in (1_000, 4_000, 16_000):
        spent = []
        while row < target:
            batch = batches[row % len(batches)]
            began = time.process_time()
            history.add(
                row + np.arange(STEPS_PER_BATCH), batch.series, batch.layer_series
            )
            spent.append(time.process_time() - began)
            row += STEPS_PER_BATCH
        began = time.process_time()
        judge_history(history)
        yield row, float(np.mean(spent[-50:])), time.process_time() - began


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
