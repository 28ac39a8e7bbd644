"""`./scripts/bench accuracy [--catalogue FILE] [--fixes] [--only TEXT]`."""

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from .label import LEARNS, SEEDS
from .measure import FRESH_SEEDS, Answer, measure, with_seeds
from .peers import LEFT_OUT
from .scores import ALARM, Judged, by, calibration, misses, share, suite_table
from .suite import LABELS, Case, cases

NUM_FIX_CASES = 60


def main() -> None:
    """Prints the tables that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--catalogue", type=Path, help="labelled cases, as JSON")
    parser.add_argument("--fixes", action="store_true", help="prove fixes as well")
    parser.add_argument("--only", default="", help="only cases with this in their id")
    arguments = parser.parse_args()
    if arguments.catalogue:
        _print_catalogue(json.loads(arguments.catalogue.read_text())["cases"])
    labelled = [e for e in _labelled() if arguments.only in e[0].id]
    if arguments.fixes:
        _print_fixes(_stratified([case for case, is_faulty in labelled if is_faulty]))
    else:
        _print_suite(labelled)


def _labelled() -> Iterator[tuple[Case, bool]]:
    """The cases whose label is clear, and whether they are faulty."""
    labels = json.loads(LABELS.read_text())
    for case in cases():
        healthy = labels[case.healthy_key]
        if not all(loss < LEARNS * trivial for loss, _, trivial in healthy):
            continue  # the healthy twin does not learn well enough to compare with
        # A twin that learns in none of its first three seeds was trained on no more.
        pairs = list(zip(labels[case.key], healthy, strict=False))
        above = [own[1] - _bound(good[1], good[2]) > 0 for own, good in pairs]
        below = [own[0] - _bound(good[0], good[2]) < 0 for own, good in pairs]
        is_faulty = all(above[: len(SEEDS)])
        if is_faulty or (all(below) and not any(above)):
            yield case, is_faulty


def _bound(healthy: float, trivial: float) -> float:
    """Half of the way from the healthy twin's loss to the trivial one."""
    return healthy + 0.5 * (trivial - healthy)


def _print_suite(labelled: Sequence[tuple[Case, bool]]) -> None:
    kept = Counter("faulty" if is_faulty else "sound" for _, is_faulty in labelled)
    print(
        f"{len(cases())} specs: {dict(kept)}, {len(cases()) - len(labelled)} left out"
    )
    answers = measure([case.spec for case, _ in labelled])
    judged = [
        Judged(case, is_faulty, answer)
        for (case, is_faulty), answer in zip(labelled, answers, strict=True)
    ]
    for title, lines in (
        ("The suite, beside published rules on the same traces", suite_table(judged)),
        ("Rules that a trace cannot evaluate", LEFT_OUT),
        ("By family", by(judged, lambda each: each.case.family)),
        ("By mutation", by(judged, lambda each: each.case.mutation)),
        ("Confidence", calibration(judged)),
        ("Misses", misses(judged)),
    ):
        print(f"\n## {title}\n", *lines, sep="\n", flush=True)


def _print_catalogue(catalogue: Sequence[dict[str, Any]]) -> None:
    for seeds in ([0, 1, 2], [3, 4, 5]):
        answers = measure([with_seeds(case["spec"], seeds) for case in catalogue])
        wrong = [
            f"{case['id']}: got {answer.verdict} {answer.primary}"
            for case, answer in zip(catalogue, answers, strict=True)
            if not _is_accepted(case["expect"], answer)
        ]
        right = len(catalogue) - len(wrong)
        print(
            f"catalogue, seeds {seeds}: {right}/{len(catalogue)} right",
            *wrong,
            sep="\n",
        )


def _is_accepted(expect: dict[str, Any], answer: Answer) -> bool:
    accepted = {expect["primary"], *expect["also_accept"]}
    if answer.verdict == "insufficient_data":
        return False
    return (answer.primary if answer.verdict in ALARM else None) in accepted


def _stratified(faulty: Sequence[Case]) -> list[Case]:
    """The first of each mutation and family, then the second, up to 60."""
    seen: Counter[tuple[str, str | None]] = Counter()
    turns: list[tuple[int, int, Case]] = []
    for position, case in enumerate(faulty):
        kind = (case.family, case.mutation)
        turns.append((seen[kind], position, case))
        seen[kind] += 1
    turns.sort(key=lambda turn: turn[:2])
    chosen = [case for _, _, case in turns]
    stride = max(1, len(chosen) // NUM_FIX_CASES)
    return chosen[::stride][:NUM_FIX_CASES]


def _print_fixes(faulty: Sequence[Case]) -> None:
    answers = list(measure([case.spec for case in faulty], fixes=True))
    verified = [
        (case, fix)
        for case, answer in zip(faulty, answers, strict=True)
        for fix in answer.fixes
        if fix.is_verified
    ]
    helped = {case.id for case, _ in verified}
    print(f"with a verified fix: {share(case.id in helped for case in faulty)}")
    for case, answer in zip(faulty, answers, strict=True):
        if case.id not in helped:
            tried = Counter(fix.is_verified for fix in answer.fixes)
            print(
                f"  none: {case.id}, {answer.verdict} {answer.primary}, {dict(tried)}"
            )
    anew = measure(
        [with_seeds(fix.spec, FRESH_SEEDS) for _, fix in verified if fix.spec]
    )
    held = []
    for (case, fix), answer in zip(verified, anew, strict=True):
        held.append(answer.primary not in case.problems)
        if not held[-1]:
            print(f"  not again: {case.id} {fix.name}: {answer.summary}")
    print(f"verified fixes without the problem on other seeds: {share(held)}")
    _print_counts(answers)


def _print_counts(answers: Sequence[Answer]) -> None:
    counts: Counter[tuple[str, str, bool]] = Counter()
    for answer in answers:
        for fix in answer.fixes:
            if fix.is_verified is not None:
                counts[answer.primary or "healthy", fix.name, fix.is_verified] += 1
    print("\n| problem | fix | verified | refuted |\n|---|---|---|---|")
    for problem, name in sorted({key[:2] for key in counts}):
        yes, no = counts[problem, name, True], counts[problem, name, False]
        print(f"| {problem} | {name} | {yes} | {no} |")


if __name__ == "__main__":
    main()
