"""CPU time of a whole analysis with proved fixes, beside its plain training runs.

The units run in this process, on one thread; plain runs and analysis in turns.
"""

import asyncio
import statistics
import time

import torch

from bench.specs import MLP
from gradhealth.architecture.network import resolve
from gradhealth.schemas.analysis import Options
from worker import units
from worker.analysis import analyse
from worker.measuring.training import TrainingRun

ROUNDS = 3


def plain():
    began = time.process_time()
    for seed in (0, 1, 2):
        run = TrainingRun(resolve(MLP), seed, device=torch.device("cpu"))
        run.advance(run.network.spec.training.steps)
    return time.process_time() - began


async def _analysis():
    spent = {}

    async def run_unit(_key, unit, arguments, **_):
        began = time.process_time()
        reply = units.run(unit, arguments, lambda _done, _total: None)
        spent[unit] = spent.get(unit, 0.0) + time.process_time() - began
        return reply

    async def report(_progress):
        pass

    units.forget()
    outcome = await analyse(MLP, Options(), run_unit, report)
    return outcome.result, spent


def main():
    torch.set_num_threads(1)
    plain()
    ratios, parts = [], {}
    for _ in range(ROUNDS):
        before = plain()
        result, spent = asyncio.run(_analysis())
        base = statistics.mean((before, plain()))
        ratios.append(sum(spent.values()) / base)
        for unit, seconds in spent.items():
            parts.setdefault(unit, []).append(seconds / base)
    print(f"{result.verdict}: {result.summary}")
    for fix in result.fixes:
        trial = fix.trial
        if trial is None:
            print(f"  {fix.name:40} not tried")
        elif trial.screened_out is not None:
            out = trial.screened_out
            print(f"  {fix.name:40} screened out: {out.statistic} = {out.value:.3g}")
        else:
            state = "verified" if trial.verified else "refuted"
            after = trial.after.progress if trial.after else None
            print(f"  {fix.name:40} {state}: progress {after}, gain {trial.gain}")
    for unit, values in parts.items():
        print(f"{unit:10} {statistics.median(values):6.2f} x the plain runs")
    print(
        f"{'total':10} {statistics.median(ratios):6.2f} x the plain runs "
        f"({min(ratios):.2f}-{max(ratios):.2f})"
    )


if __name__ == "__main__":
    main()
