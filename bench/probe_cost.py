"""What the diagnostic run costs beside the bare training, in CPU time.

Both are trained in turns of a few steps in one process on one thread.
"""

import statistics
import time

import torch

from bench.specs import MLP, RESNET
from gradhealth.architecture.network import resolve
from worker.measuring.recording import Recording
from worker.measuring.tracing import trace_of
from worker.measuring.training import TrainingRun

ROUNDS, TURN = 7, 5
CPU = torch.device("cpu")


def one_round(spec):
    """CPU seconds of a bare and of a probed run, trained in turns of a few steps.

    The machine's speed wanders within a second; what both runs meet cancels.
    """
    bare = TrainingRun(resolve(spec), 0, device=CPU)
    probed = TrainingRun(resolve(spec), 0, device=CPU)
    num_steps = bare.network.spec.training.steps
    seconds = {bare: 0.0, probed: 0.0}
    began = time.process_time()
    recording = Recording(probed)
    seconds[probed] += time.process_time() - began
    for until in range(TURN, num_steps + 1, TURN):
        for run, watcher in ((bare, None), (probed, recording)):
            began = time.process_time()
            run.advance(until, watcher)
            seconds[run] += time.process_time() - began
    began = time.process_time()
    recording.finish(probed)
    trace_of(probed, recording)
    seconds[probed] += time.process_time() - began
    return seconds[bare], seconds[probed]


def main():
    torch.set_num_threads(1)
    print(f"{'network':24} {'bare s':>7} {'probed s':>9} {'ratio, median (range)':>24}")
    for name, spec in (("MLP 20x128 sigmoid", MLP), ("ResNet 3 blocks x 16", RESNET)):
        one_round(spec)
        pairs = [one_round(spec) for _ in range(ROUNDS)]
        ratios = sorted(b / a for a, b in pairs)
        middle = statistics.median(ratios)
        print(
            f"{name:24} {statistics.median(a for a, _ in pairs):7.2f} "
            f"{statistics.median(b for _, b in pairs):9.2f} "
            f"{middle:10.3f} ({ratios[0]:.3f}-{ratios[-1]:.3f})"
        )


if __name__ == "__main__":
    main()
