"""Trials on units that look their replies up in a table."""

from gradhealth.fixes.base import Candidate
from gradhealth.schemas.analysis import Options
from worker.proving.contenders import Run
from worker.proving.trials import Baseline, prove

SEEDS = (0, 1, 2)
NUM_STEPS = 200
DOCUMENT = {
    "name": "unfixed",
    "data": {"task": "clusters"},
    "model": [{"type": "Linear", "out_features": 4}],
    "training": {"optimizer": {"type": "SGD", "lr": 0.1}, "steps": NUM_STEPS},
}
FAILED = Baseline(SEEDS, (Run(0.0, 1.4),) * 3, (-12.0,) * 3)
ALL_RATES = (0.1, 0.3, 1.0, 3.0)


class Units:
    """Replies to the units of the trials, and counts what they cost.

    Args:
        progress: Name of a spec to what it reaches, by learning rate or at any of
            them; null: it diverges. Otherwise 0. Half of it is reached at once.
        seed_progress: The same for (name, seed) that differ from it.
        start: Name of a spec to statistics at initialisation that are not healthy.
    """

    def __init__(self, progress=None, *, seed_progress=None, start=None):
        self.progress = progress or {}
        self.seed_progress = seed_progress or {}
        self.start = start or {}
        self.calls = []
        self.steps = {}

    async def __call__(self, key, unit, arguments, **_):
        self.calls.append((key, unit, arguments))
        reply = getattr(self, unit)
        return reply(**arguments)

    def screen(self, spec, seeds):
        healthy = {
            "log10_backward_gain": 0.0,
            "last_hidden_std": 1.0,
            "log10_temporal_gain": 0.0,
            "dead_fraction": 0.0,
            "saturated_fraction": 0.0,
        }
        start = healthy | self.start.get(spec["name"], {})
        return {name: [value] * len(seeds) for name, value in start.items()}

    def train(self, spec, seed, lr_multiplier, steps):
        run = (spec["name"], seed, lr_multiplier)
        self.steps[run] = max(steps, self.steps.get(run, 0))
        reached = self.seed_progress.get(
            (spec["name"], seed), self.progress.get(spec["name"], 0.0)
        )
        if isinstance(reached, dict):
            reached = reached.get(lr_multiplier, 0.0)
        if reached is None:
            return {"progress": None, "loss_last": None, "losses": []}
        so_far = reached * (1 + steps / NUM_STEPS) / 2
        losses = [[0, 1.4], [steps - 1, 1.4 * (1 - so_far)]]
        return {"progress": so_far, "loss_last": losses[1][1], "losses": losses}

    def steps_of(self, name):
        """Steps spent on a spec, those that were continued counted once."""
        return sum(n for (other, *_), n in self.steps.items() if other == name)

    def trained(self, name):
        """The (seed, rate) pairs at which a spec was trained to the end."""
        return {
            (seed, rate)
            for (other, seed, rate), n in self.steps.items()
            if other == name and n == NUM_STEPS
        }


def candidate(name, kind="activation", problem="vanishing_gradient", **fields):
    return Candidate(
        **{
            "name": name,
            "fix": name,
            "problem": problem,
            "kind": kind,
            "title": name,
            "why": "It helps.",
            "spec": {**DOCUMENT, "name": name},
            "snippet": "",
            "size": 1,
        }
        | fields
    )


class Combiner:
    """Combines any two candidates, by their names."""

    def combine(self, first, second):
        return candidate(f"{first.name}+{second.name}", first.kind)


async def tried(units, *candidates, baseline=FAILED, **options):
    """The fixes by name, in their order."""

    async def report(_progress):
        pass

    fixes = await prove(
        candidates, DOCUMENT, baseline, Combiner(), Options(**options), units, report
    )
    return {fix.name: fix for fix in fixes}


def verified(fixes):
    return [name for name, fix in fixes.items() if fix.trial and fix.trial.verified]
