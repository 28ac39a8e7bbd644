"""Proves fixes by training them, at a bounded multiple of what the diagnosis cost.

All runs use the seeds and the data of the diagnosis. The unfixed spec and every fix
get the same sweep of learning rates: at the broken network's rate some good fixes
fail, and some broken networks need nothing but another rate.

1. The unfixed spec is trained at the other rates of the sweep (first seed).
2. A look at each candidate's initialisation refutes what cannot work.
3. Rung 1: the survivors, every rate, an eighth of the steps, first seed.
4. Rung 2: the best candidates at their best two rates, three eighths of the steps.
5. Final: the best of each kind of fix, all steps, all seeds.
6. Where none of them is proved: pairs of the best, of two kinds, through 2, 3 and 5.

Every training up to a rung is one unit with a key of its own, so that a worker that
takes an analysis over repeats none that is finished. Units that do not depend on each
other are asked for at once, and idle workers may do some of them. The rungs are those
of successive halving (Jamieson & Talwalkar 2016).
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import combinations
from typing import Any

from gradhealth.architecture.limits import UNLIMITED
from gradhealth.architecture.network import resolve
from gradhealth.fixes.base import Candidate
from gradhealth.prescription import RATE_FIX, Pharmacy, is_selected
from gradhealth.schemas.analysis import Options
from gradhealth.schemas.fix import Fix

from ..ports import Report, RunUnit, TooLateError
from ..together import together
from .contenders import (
    HARM_PROGRESS,
    MIN_GAIN,
    Contender,
    Outcome,
    Run,
    is_verified,
    judged,
    untried,
)
from .ranking import (
    better_ones,
    choose,
    in_final_order,
    kinds_in_turn,
    of_each_kind,
    rank,
)
from .retuning import Baseline, rate_fix, retune
from .screening import screen_out
from .trial_runner import MULTIPLIERS, TrialRunner

__all__ = ["Baseline", "prove"]

RUNG_SHARES = (1 / 8, 3 / 8)
MIN_RUNG_STEPS = 5
# How many candidates take part, and how many of one kind.
MAX_IN_RUNG_1, MAX_OF_KIND_IN_RUNG_1 = 12, 4
MAX_IN_RUNG_2, MAX_OF_KIND_IN_RUNG_2 = 6, 2
MAX_FINALISTS, MAX_VERIFIED = 4, 3
# Fixes that are paired where none suffices, and pairs of them that are tried.
MAX_COMBINED, MAX_COMBINATIONS = 4, 4
# Learning rates of a candidate in rung 2: the second only if it is as good as that.
MAX_RATES, RATE_MARGIN = 2, 0.1
# Candidates that are handed out as advice, without a trial.
MAX_UNTRIED = 5


async def prove(  # noqa: PLR0913 -- the question, and the two ways out to the engine
    candidates: Sequence[Candidate],
    document: dict[str, Any],
    baseline: Baseline,
    pharmacy: Pharmacy,
    options: Options,
    run_unit: RunUnit,
    report: Report,
) -> list[Fix]:
    """Tries the candidates and ranks them: proved ones first, by gain, then by size.

    Args:
        candidates: The most promising first.
        document: The spec as sent.
        baseline: What the diagnosis measured of it.
        pharmacy: Combines two candidates.
        options: How much work may be done.
        run_unit: Carries out `(key, unit, arguments)`; keys are unique, and the same
            for the same question.
        report: Told how far the trials are, and of each fix once it is judged.
    """
    advice_only = not options.verify_fixes or options.max_trials == 0
    if advice_only or all(candidate.spec is None for candidate in candidates):
        return [untried(candidate, document) for candidate in candidates[:MAX_UNTRIED]]
    runner = TrialRunner(run_unit, report, options.budget_seconds)
    schedule = _Schedule(candidates, document, baseline, pharmacy, options, runner)
    with suppress(TooLateError):  # what is known by then is the answer
        await schedule.run()
    fixes = schedule.fixes()
    for fix in fixes:
        await runner.tell(fix)
    return fixes


class _Schedule:
    """The stages, and what is known between them."""

    def __init__(  # noqa: PLR0913 -- the question, and the way out to the engine
        self,
        candidates: Sequence[Candidate],
        document: dict[str, Any],
        baseline: Baseline,
        pharmacy: Pharmacy,
        options: Options,
        runner: TrialRunner,
    ) -> None:
        self._candidates = candidates
        self._document = document
        self._baseline = baseline
        self._pharmacy = pharmacy
        self._options = options
        self._runner = runner
        self._seeds = baseline.seeds
        self._num_steps = resolve(document, UNLIMITED).spec.training.steps
        self._contenders = [Contender(c, c.spec) for c in candidates if c.spec]
        self._before = baseline.outcome()

    async def run(self) -> None:
        """Goes through the stages."""
        num_entrants = min(
            len(self._contenders), MAX_IN_RUNG_1, self._options.max_trials
        )
        self._expect(len(MULTIPLIERS) - 1 + len(self._contenders), num_entrants)
        self._before = await retune(self._baseline, self._document, self._runner)
        if (self._before.progress or 0.0) > 1 - MIN_GAIN:
            return  # another learning rate is the cure; nothing could gain on it
        hopeful = await self._screened(self._contenders)
        entrants = of_each_kind(hopeful, MAX_OF_KIND_IN_RUNG_1)[:num_entrants]
        self._expect(0, len(entrants))
        await self._rung_1(entrants)
        chosen = choose(
            entrants, limit=MAX_IN_RUNG_2, limit_of_kind=MAX_OF_KIND_IN_RUNG_2
        )
        await self._rung_2(chosen)
        if not await self._final(chosen) and self._before.score < HARM_PROGRESS:
            await self._combine(entrants)

    def fixes(self) -> list[Fix]:
        """The verdicts, ranked; only a few of those whose turn never came."""
        verdicts = [(each, self._judged(each)) for each in self._contenders]
        verdicts.sort(key=lambda verdict: rank(*verdict))
        tried = [fix for _, fix in verdicts if fix.trial is not None]
        rest = [fix for _, fix in verdicts if fix.trial is None]
        rest += [untried(c, self._document) for c in self._candidates if not c.spec]
        return [*self._rate_fix(), *tried, *rest[:MAX_UNTRIED]]

    def _judged(self, contender: Contender) -> Fix:
        seeds = list(self._seeds)
        return judged(contender, self._document, self._before, seeds)

    async def _tell(self, contender: Contender) -> None:
        await self._runner.tell(self._judged(contender))

    def _rate_fix(self) -> Iterator[Fix]:
        as_sent = self._baseline.outcome()
        if is_selected({RATE_FIX}, self._options.fixes) and is_verified(
            as_sent, self._before
        ):
            problem = self._candidates[0].problem
            yield rate_fix(as_sent, self._before, self._document, problem)

    def _expect(self, num_others: int, num_entrants: int) -> None:
        self._runner.expect(
            num_others
            + num_entrants * len(MULTIPLIERS)
            + min(num_entrants, MAX_IN_RUNG_2) * MAX_RATES
            + min(num_entrants, MAX_VERIFIED) * len(self._seeds)
        )

    async def _screened(self, contenders: Sequence[Contender]) -> list[Contender]:
        """Those that their initialisation does not refute, judging by the first seed.

        Between seeds the gain differs by hundredths of a decade.
        """
        await together(*map(self._screen, contenders))
        for contender in contenders:
            await self._tell(contender)
        return [c for c in contenders if c.screened_out is None]

    async def _screen(self, contender: Contender) -> None:
        candidate, spec = contender.candidate, contender.spec
        reply = await self._runner.screen(candidate.name, spec, self._seeds[:1])
        contender.log10_gain = tuple(reply["log10_backward_gain"])
        optimizer = resolve(spec, UNLIMITED).spec.training.optimizer
        contender.screened_out = screen_out(reply, candidate.problem, optimizer)

    async def _rung_1(self, entrants: Sequence[Contender]) -> None:
        """Sweeps the learning rate of every entrant."""
        steps = self._rung_steps(RUNG_SHARES[0])

        async def sweep(contender: Contender) -> None:
            contender.runs = await self._runner.sweep(
                contender.name, contender.spec, seed=self._seeds[0], steps=steps
            )
            contender.num_steps = steps

        await together(*map(sweep, entrants))

    async def _rung_2(self, chosen: Sequence[Contender]) -> None:
        """Trains the chosen ones further at their best rates."""
        steps = self._rung_steps(RUNG_SHARES[1])

        async def train(contender: Contender) -> None:
            multipliers = [
                multiplier
                for multiplier in contender.multipliers()[:MAX_RATES]
                if contender.runs[multiplier].score >= contender.score - RATE_MARGIN
            ]
            runs = await together(
                *(
                    self._train(contender, self._seeds[0], multiplier, steps)
                    for multiplier in multipliers
                )
            )
            contender.runs = dict(zip(multipliers, runs, strict=True))
            contender.num_steps = steps

        await together(*map(train, chosen))

    async def _combine(self, entrants: Sequence[Contender]) -> None:
        """Tries pairs of the best, since no single one suffices."""
        best = of_each_kind(kinds_in_turn(entrants), 1)[:MAX_COMBINED]
        pairs = [
            self._pharmacy.combine(a.candidate, b.candidate)
            for a, b in combinations(best, 2)
        ]
        combined = [
            Contender(pair, pair.spec)
            for pair in pairs[:MAX_COMBINATIONS]
            if pair is not None and pair.spec is not None
        ]
        self._contenders += combined
        self._expect(len(combined), len(combined))
        hopeful = await self._screened(combined)
        await self._rung_1(hopeful)
        await self._final([c for c in hopeful if math.isfinite(c.score)])

    async def _final(self, chosen: Sequence[Contender]) -> int:
        """Trains the best of each kind to the end, until enough are proved.

        Returns:
            How many are.
        """
        finalists: list[Contender] = []
        num_verified = 0
        ordered = in_final_order(chosen)
        # So many run in any case, before enough can be proved.
        await together(*map(self._finish, ordered[:MAX_VERIFIED]))
        for contender in ordered:
            if len(finalists) == MAX_FINALISTS or num_verified == MAX_VERIFIED:
                contender.drop(*better_ones(contender, finalists, 1))
                continue
            outcome = contender.outcome or await self._finish(contender)
            await self._tell(contender)
            if outcome.runs[0].score >= HARM_PROGRESS:
                finalists.append(contender)
            num_verified += is_verified(self._before, outcome)
        return num_verified

    async def _finish(self, contender: Contender) -> Outcome:
        contender.outcome = await self._whole(contender)
        return contender.outcome

    async def _whole(self, contender: Contender) -> Outcome:
        """The whole training; at another rate too, where the first proves nothing.

        Large rates often lead after a few steps and lose in the end.
        """
        outcomes: list[Outcome] = []
        for multiplier in contender.multipliers():
            outcomes.append(await self._whole_at(contender, multiplier))
            if is_verified(self._before, outcomes[-1]):
                break
        return max(outcomes, key=lambda outcome: outcome.score)

    async def _whole_at(self, contender: Contender, multiplier: float) -> Outcome:
        """All steps; the first seed alone when that one does not learn."""
        first, others = self._seeds[0], self._seeds[1:]
        runs = [await self._train(contender, first, multiplier, self._num_steps)]
        log10_gain = contender.log10_gain
        if others and runs[0].score >= HARM_PROGRESS:
            runs += await together(
                *(
                    self._train(contender, seed, multiplier, self._num_steps)
                    for seed in others
                )
            )
            reply = await self._runner.screen(contender.name, contender.spec, others)
            log10_gain += tuple(reply["log10_backward_gain"])
        seeds = self._seeds[: len(runs)]
        return Outcome(multiplier, seeds, tuple(runs), log10_gain)

    async def _train(
        self, contender: Contender, seed: int, multiplier: float, steps: int
    ) -> Run:
        return await self._runner.train(
            contender.name,
            contender.spec,
            seed=seed,
            multiplier=multiplier,
            steps=steps,
        )

    def _rung_steps(self, share: float) -> int:
        return min(max(MIN_RUNG_STEPS, round(share * self._num_steps)), self._num_steps)
