"""What the diagnostic run costs beside the bare training, in CPU time.

Both are trained in turns in one process on one thread; each ratio is of neighbours.
"""

import statistics
import time

import torch

from bench.specs import MLP, RESNET
from gradhealth.network import resolve
from worker.recording import Recording
from worker.tracing import trace_of
from worker.training import TrainingRun

ROUNDS = 7
CPU = torch.device("cpu")


def bare(spec):
    run = TrainingRun(resolve(spec), 0, device=CPU)
    began = time.process_time()
    run.advance(run.network.spec.training.steps)
    return time.process_time() - began


def probed(spec):
    run = TrainingRun(resolve(spec), 0, device=CPU)
    began = time.process_time()
    recording = Recording(run)
    run.advance(run.network.spec.training.steps, recording)
    recording.finish(run)
    trace_of(run, recording)
    return time.process_time() - began


def main():
    torch.set_num_threads(1)
    print(f"{'network':24} {'bare s':>7} {'probed s':>9} {'ratio, median (range)':>24}")
    for name, spec in (("MLP 20x128 sigmoid", MLP), ("ResNet 3 blocks x 16", RESNET)):
        bare(spec), probed(spec)
        pairs = [(bare(spec), probed(spec)) for _ in range(ROUNDS)]
        ratios = sorted(b / a for a, b in pairs)
        middle = statistics.median(ratios)
        print(
            f"{name:24} {statistics.median(a for a, _ in pairs):7.2f} "
            f"{statistics.median(b for _, b in pairs):9.2f} "
            f"{middle:10.3f} ({ratios[0]:.3f}-{ratios[-1]:.3f})"
        )


if __name__ == "__main__":
    main()
