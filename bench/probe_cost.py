"""What the diagnostic run costs beside the bare training, in CPU time.

Both are trained in turns in one process on one thread; each ratio is of neighbours.
"""

import statistics
import time

import torch

from gradhealth.network import resolve
from worker.recording import Recording
from worker.tracing import trace_of
from worker.training import TrainingRun

ROUNDS = 7
CPU = torch.device("cpu")

MLP = {
    "data": {"task": "digits"},
    "input": {"shape": [64]},
    "model": [
        {
            "repeat": 20,
            "body": [{"type": "Linear", "out_features": 128}, {"type": "Sigmoid"}],
        },
        {"type": "Linear", "out_features": 10},
    ],
    "init": [{"match": "Linear.weight", "fn": "xavier_uniform_"}],
}
CONV = {"type": "Conv2d", "out_channels": 16, "kernel_size": 3, "padding": 1}
RESNET = {
    "data": {"task": "digits"},
    "input": {"shape": [1, 8, 8]},
    "model": [
        CONV,
        {"type": "BatchNorm2d"},
        {"type": "ReLU"},
        {
            "repeat": 3,
            "body": [
                {
                    "type": "Residual",
                    "body": [
                        CONV,
                        {"type": "BatchNorm2d"},
                        {"type": "ReLU"},
                        CONV,
                        {"type": "BatchNorm2d"},
                    ],
                    "post": [{"type": "ReLU"}],
                }
            ],
        },
        {"type": "AdaptiveAvgPool2d", "output_size": 1},
        {"type": "Flatten"},
        {"type": "Linear", "out_features": 10},
    ],
}


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
