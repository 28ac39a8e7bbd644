"""What watching gradients costs: self-time of the recorder, and A/B beside bare steps.

`./scripts/bench recorder_cost [CASE ...]`, with cases of: mlp64 mlp512 resnet gpt lstm.

Bare and watched steps alternate in turns of 50 in one process, on one thread, in CPU
time of the whole process, helper threads included. Peers are measured where they are
installed: pip install lightning wandb.
"""

import statistics
import sys
import time
from contextlib import ExitStack

import torch

from bench.recorder_cost.networks import CASES
from bench.recorder_cost.variants import VARIANTS, Bare

# A turn has one sampled step; the first ten, which all are, are over by then.
TURN, WARM_UP = 50, 60


def timed_turn(training):
    began = time.process_time()
    training.advance(TURN)
    return time.process_time() - began


def measure(make_case, variant):
    """Ratios of turns, and the recorder's own account; null: not installed."""
    with ExitStack() as stack:
        torch.manual_seed(0)
        bare = Bare(make_case(), stack)
        try:
            watched = variant(make_case(), stack)
        except ModuleNotFoundError:
            return None
        for training in (bare, watched):
            training.advance(WARM_UP)
        recorder = getattr(watched, "recorder", None)
        before = booked(recorder)
        ratios = []
        for number in range(bare.case.rounds):
            pair = (bare, watched) if number % 2 else (watched, bare)
            seconds = {training: timed_turn(training) for training in pair}
            ratios.append(seconds[watched] / seconds[bare])
        after = booked(recorder)
        notes = recorder.notes if recorder else []
    training, own, writing = (b - a for a, b in zip(before, after, strict=True))
    self_ratio = 1 + own / training if training else None
    thread_ratio = writing / training if training else None
    return ratios, self_ratio, thread_ratio, notes


def booked(recorder):
    if recorder is None:
        return 0.0, 0.0, 0.0
    recorder.trace()  # waits for the writing thread
    cost = recorder.cost
    return cost.training_seconds, cost.own_seconds, cost.writing_seconds


def main():
    torch.set_num_threads(1)
    names = sys.argv[1:] or list(CASES)
    print(f"{'':32} {'A/B median (range)':>26} {'self-time':>10} {'its thread':>11}")
    for name in names:
        print(CASES[name]().name)
        for title, variant in VARIANTS.items():
            measured = measure(CASES[name], variant)
            if measured is None:
                print(f"  {title:30} {'not installed':>26}")
                continue
            ratios, own, thread, notes = measured
            middle = statistics.median(ratios)
            ab = f"{middle:.3f} ({min(ratios):.3f}-{max(ratios):.3f})"
            account = f"{own:10.4f} {thread:11.4f}" if own else ""
            print(f"  {title:30} {ab:>26} {account}", flush=True)
            for note in notes:
                if note.startswith("norms each"):
                    print(f"      {note}")


if __name__ == "__main__":
    main()
