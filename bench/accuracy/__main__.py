"""`./scripts/bench accuracy [--catalogue FILE] [--fixes] [--only TEXT]`."""

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from .held_out import HELD_OUT_LABELS, held_out
from .label import ALL_SEEDS, LEARNS, MIDDLE, MORE_SEEDS, SEEDS
from .measure import FRESH_SEEDS, Answer, measure, with_seeds
from .networks import floor
from .peers import LEFT_OUT
from .scores import (
    ALARM,
    Judged,
    alarm_table,
    by,
    calibration,
    misses,
    share,
    suite_table,
    wrong_alarms,
)
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
        judged = _print_suite(labelled)
        drawn = [e for e in _held_out() if arguments.only in e[0].id]
        _print_held_out(drawn, judged)


def _labelled() -> Iterator[tuple[Case, bool]]:
    """The cases whose label is clear, and whether they are faulty."""
    labels = json.loads(LABELS.read_text())
    for case in cases():
        healthy = labels[case.healthy_key]
        first = healthy[: len(SEEDS) + len(MORE_SEEDS)]
        if not all(loss < LEARNS * trivial for loss, _, trivial in first):
            continue  # the healthy twin does not learn well enough to compare with
        # A twin that learns in none of its first three seeds was trained on no more; on
        # more seeds than the healthy one it is compared with that one's last.
        pairs = [
            (own, healthy[min(index, len(healthy) - 1)])
            for index, own in enumerate(labels[case.key])
        ]
        above = [own[1] - _bound(good[1], good[2]) > 0 for own, good in pairs]
        below = [own[0] - _bound(good[0], good[2]) < 0 for own, good in pairs]
        if case.mutation is None:  # it stands beside itself
            below = [loss < LEARNS * trivial for loss, _, trivial in healthy]
        is_faulty = all(above[: len(SEEDS)])
        if is_faulty or (all(below) and not any(above)):
            yield case, is_faulty


def _bound(healthy: float, trivial: float) -> float:
    """Half of the way from the healthy twin's loss to the trivial one."""
    return healthy + 0.5 * (trivial - healthy)


def _held_out() -> Iterator[tuple[Case, bool]]:
    """The random networks whose label is clear, and whether they are faulty.

    They fail above the middle between the trivial loss and the floor.
    """
    labels = json.loads(HELD_OUT_LABELS.read_text())
    for case in held_out():
        # Seeds that were not needed have no losses.
        rows = zip(labels.get(case.key, []), ALL_SEEDS, strict=False)
        bounds = [
            (own, twice, (trivial + floor(case.spec, seed)) * MIDDLE)
            for (own, twice, trivial), seed in rows
        ]
        fails = [twice > bound for _, twice, bound in bounds]
        is_faulty = len(fails) >= len(SEEDS) and all(fails)
        is_sound = len(fails) > len(SEEDS) and all(
            max(own, twice) < bound for own, twice, bound in bounds
        )
        if is_faulty or is_sound:
            yield case, is_faulty


def _print_held_out(
    drawn: Sequence[tuple[Case, bool]], suite: Sequence[Judged]
) -> None:
    _print_kept(len(json.loads(HELD_OUT_LABELS.read_text())), drawn)
    judged = _judged(drawn)
    # What a faulty one should be called nobody knows, for no mistake was made in it.
    sound = [each for each in judged if not each.is_faulty]
    for title, lines in (
        ("Networks drawn at random", alarm_table(judged)),
        ("By family", by(sound, lambda each: each.case.family)),
        ("Misses", wrong_alarms(judged)),
        ("Both together", alarm_table([*suite, *judged])),
    ):
        print(f"\n## {title}\n", *lines, sep="\n", flush=True)


def _print_kept(num_specs: int, labelled: Sequence[tuple[Case, bool]]) -> None:
    kept = Counter("faulty" if is_faulty else "sound" for _, is_faulty in labelled)
    left_out = num_specs - len(labelled)
    print(f"\n{num_specs} specs: {dict(kept)}, {left_out} left out")


def _judged(labelled: Sequence[tuple[Case, bool]]) -> list[Judged]:
    answers = measure([case.spec for case, _ in labelled])
    return [
        Judged(case, is_faulty, answer)
        for (case, is_faulty), answer in zip(labelled, answers, strict=True)
    ]


def _print_suite(labelled: Sequence[tuple[Case, bool]]) -> list[Judged]:
    _print_kept(len(cases()), labelled)
    judged = _judged(labelled)
    for title, lines in (
        ("The suite, beside published rules on the same traces", suite_table(judged)),
        ("Rules that a trace cannot evaluate", LEFT_OUT),
        ("By family", by(judged, lambda each: each.case.family)),
        ("By mutation", by(judged, lambda each: each.case.mutation)),
        ("Confidence", calibration(judged)),
        ("Misses", misses(judged)),
    ):
        print(f"\n## {title}\n", *lines, sep="\n", flush=True)
    return judged


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
