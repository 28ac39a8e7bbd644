"""Carries out the units of the trials, in time."""

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

from gradhealth.schemas.analysis import Progress
from gradhealth.schemas.event import TriedFix
from gradhealth.schemas.fix import Fix

from ..ports import Report, RunUnit, TooLateError
from ..together import together
from .contenders import Run

# Factors on the learning rate, in the order in which they are tried.
MULTIPLIERS = (1.0, 0.3, 0.1, 3.0)
# Progress differs by less from chance, even after few steps.
CLEAR_DIFFERENCE = 0.1


class TrialRunner:
    """Runs units, tells how far it is, and stops when the time is up.

    The time is looked at between units. A worker that takes an analysis over gets the
    finished ones at once and begins the budget anew, so that it only ever adds units.

    Args:
        run_unit: Carries out `(key, unit, arguments)`.
        report: Told how many units are done, of how many that are likely, and of
            every fix that was tried.
        budget_seconds: Time after which no unit is begun; null: no limit.
    """

    def __init__(
        self, run_unit: RunUnit, report: Report, budget_seconds: float | None
    ) -> None:
        self._run_unit = run_unit
        self._report = report
        self._deadline = time.monotonic() + (
            math.inf if budget_seconds is None else budget_seconds
        )
        self._replies: dict[str, Any] = {}
        self._num_expected = 0
        self._told: set[str] = set()

    def expect(self, num_units: int) -> None:
        """Says how many units are likely to come."""
        self._num_expected = len(self._replies) + num_units

    async def tell(self, fix: Fix) -> None:
        """Says what a trial showed, once."""
        tried = TriedFix.of(fix)
        if tried is not None and fix.name not in self._told:
            self._told.add(fix.name)
            await self._report(tried)

    async def screen(
        self, name: str, spec: dict[str, Any], seeds: Sequence[int]
    ) -> dict[str, Any]:
        """Statistics of the spec at initialisation, one number a seed."""
        arguments = {"spec": spec, "seeds": list(seeds)}
        which = ",".join(map(str, seeds))
        key = f"screen {name} seeds={which}"
        reply: dict[str, Any] = await self._run(key, "screen", arguments)
        return reply

    async def train(
        self,
        name: str,
        spec: dict[str, Any],
        *,
        seed: int,
        multiplier: float,
        steps: int,
    ) -> Run:
        """What the spec reaches after `steps` steps in all."""
        arguments = {
            "spec": spec,
            "seed": seed,
            "lr_multiplier": multiplier,
            "steps": steps,
        }
        key = f"train {name} seed={seed} lr=x{multiplier:g} steps={steps}"
        reply = await self._run(key, "train", arguments)
        losses = tuple((step, loss) for step, loss in reply["losses"])
        return Run(reply["progress"], reply["loss_last"], losses)

    async def sweep(
        self,
        name: str,
        spec: dict[str, Any],
        *,
        seed: int,
        steps: int,
        known: dict[float, Run] | None = None,
    ) -> dict[float, Run]:
        """The runs at the learning rates of the sweep, beside those that are known.

        Progress has one peak over the learning rates, so that those on the far side
        of a clearly worse one are left out.
        """
        runs = dict(known or {})
        for multipliers in (MULTIPLIERS[:2], MULTIPLIERS[2:]):
            wanted = [
                multiplier
                for multiplier in multipliers
                if multiplier not in runs and not _is_hopeless(multiplier, runs)
            ]
            found = await together(
                *(
                    self.train(
                        name, spec, seed=seed, multiplier=multiplier, steps=steps
                    )
                    for multiplier in wanted
                )
            )
            runs |= dict(zip(wanted, found, strict=True))
        return runs

    async def _run(self, key: str, unit: str, arguments: dict[str, Any]) -> Any:
        if key in self._replies:  # in a short training, two rungs may be the same
            return self._replies[key]
        if time.monotonic() >= self._deadline:
            raise TooLateError
        self._replies[key] = await self._run_unit(
            key, unit, arguments, begin_before=self._deadline
        )
        done = len(self._replies)
        total = max(done, self._num_expected)
        await self._report(Progress(phase="trials", done=done, total=total))
        return self._replies[key]


def _is_hopeless(multiplier: float, runs: Mapping[float, Run]) -> bool:
    """Whether the rates before it in the sweep already say that it leads nowhere."""
    if multiplier in MULTIPLIERS[:2]:
        return False
    own, smaller = (runs[known].score for known in MULTIPLIERS[:2])
    if multiplier > 1:
        return own == -math.inf or smaller > own + CLEAR_DIFFERENCE
    return smaller < own - CLEAR_DIFFERENCE
