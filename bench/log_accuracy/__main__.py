"""`./scripts/bench log_accuracy [--logs N] [--seed S] [--misses]`: labelled logs.

Every family draws its shape, length, noise and levels anew for each log. Thresholds
were looked at with seed 0; what is published comes from another one.
"""

import argparse
import inspect
from collections import Counter
from types import ModuleType

import numpy as np

from gradhealth.logs.results import judge_log

from . import faulty, healthy
from .peers import PEERS

HELD_OUT = 20_261_126


def main() -> None:
    """Prints sensitivity and false alarms, by family and beside published rules."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--logs", type=int, default=50, help="of each family")
    parser.add_argument("--seed", type=int, default=HELD_OUT)
    parser.add_argument("--misses", action="store_true", help="name each one")
    parser.add_argument("--only", default="", help="families with this in their name")
    arguments = parser.parse_args()
    alarms, hits = Counter(), Counter()
    totals = Counter()
    for module, is_faulty in ((healthy, False), (faulty, True)):
        print(f"\n| {'faulty' if is_faulty else 'healthy'} | right | named instead |")
        print("|---|---|---|")
        for name, make in families(module):
            if arguments.only not in name:
                continue
            right, others = 0, Counter()
            for number in range(arguments.logs):
                trace = make(np.random.default_rng([arguments.seed, number]))
                result = judge_log(trace)
                loud = [f.problem for f in result.findings if f.severity != "info"]
                wanted = (make.__doc__ or "").split()
                good = result.primary in wanted if is_faulty else not loud
                right += good
                if not good:
                    others[result.primary or result.verdict] += 1
                    if arguments.misses:
                        print("   ", name, number, result.verdict, loud, result.summary)
                totals[is_faulty] += 1
                (hits if is_faulty else alarms)["gradhealth"] += bool(loud)
                for peer, rule in PEERS.items():
                    with np.errstate(all="ignore"):
                        (hits if is_faulty else alarms)[peer] += rule(trace)
            named = ", ".join(f"{k} {v}" for k, v in others.most_common())
            print(f"| {name} | {right}/{arguments.logs} | {named} |", flush=True)
            hits["right name"] += right * is_faulty
    print(f"\n| rule | alarms on {totals[True]} faulty | on {totals[False]} healthy |")
    print("|---|---|---|")
    for name in ("gradhealth", *PEERS):
        print(
            f"| {name} | {hits[name] / max(1, totals[True]):.1%} "
            f"| {alarms[name] / max(1, totals[False]):.1%} |"
        )
    print(f"\nright name first: {hits['right name'] / max(1, totals[True]):.1%}")


def families(module: ModuleType):
    """The functions that make logs, by name."""
    return [
        pair
        for pair in inspect.getmembers(module, inspect.isfunction)
        if pair[1].__module__ == module.__name__
        and [*inspect.signature(pair[1]).parameters] == ["c"]
    ]


if __name__ == "__main__":
    main()
