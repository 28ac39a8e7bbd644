"""The fixes in words: what was proved, what was ruled out and by which number."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from ..schemas.fix import Fix, Measurement, ScreenedOut, Trial
from .paragraphs import paragraph


def describe_fixes(fixes: Sequence[Fix]) -> Iterator[str]:
    """Lines about the fixes that were trained to the end, and then about the others."""
    trained = [fix for fix in fixes if fix.trial and not fix.trial.screened_out]
    if trained:
        yield from ("", "  Fixes, trained beside the network as it is")
    for fix in trained:
        yield from _trained(fix)
    yield from _ruled_out(fixes)
    untried = ", ".join(fix.name for fix in fixes if fix.trial is None and fix.spec)
    yield from _advice([fix for fix in fixes if not (fix.trial or fix.spec)])
    if untried:
        yield from ("", "  Fixes, not tried")
        yield from paragraph(untried, indent=4)


def _advice(fixes: Sequence[Fix]) -> Iterator[str]:
    """Changes that no spec expresses: nothing was there to be trained."""
    if fixes:
        yield from ("", "  Advice")
    for fix in fixes:
        yield from paragraph(f"{fix.name} - {fix.title}", indent=4, hanging=2)
        yield from paragraph(fix.why, indent=6)


def _trained(fix: Fix) -> Iterator[str]:
    assert fix.trial is not None
    standing = "verified" if fix.trial.verified else "no help"
    yield from paragraph(f"{standing}: {fix.name} - {fix.title}", indent=4, hanging=2)
    yield from paragraph(_before_after(fix.trial), indent=6)


def _ruled_out(fixes: Sequence[Fix]) -> Iterator[str]:
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for fix in fixes:
        if fix.trial and (out := fix.trial.screened_out):
            groups[out.why].append(f"{fix.name} ({_evidence(out)})")
    if groups:
        yield from ("", "  Fixes, ruled out sooner")
    for why, names in groups.items():
        yield from paragraph(f"{why}: {', '.join(names)}", indent=4, hanging=2)


def _evidence(out: ScreenedOut) -> str:
    limit = "" if out.threshold is None else f", threshold {out.threshold:.3g}"
    return f"{out.statistic} = {out.value:.3g}{limit}"


def _before_after(trial: Trial) -> str:
    before, after = trial.before or Measurement(), trial.after or Measurement()
    parts = [
        f"{name} {_number(old)} → {_number(new)}"
        for name, old, new in (
            ("progress", before.progress, after.progress),
            ("loss", before.loss_last, after.loss_last),
            ("backward gain", before.backward_gain, after.backward_gain),
        )
        if old is not None or new is not None
    ]
    if trial.lr_multiplier is not None and trial.lr_multiplier != 1:
        parts.append(f"at {trial.lr_multiplier:g} x the learning rate")
    return ", ".join(parts)


def _number(value: float | None) -> str:
    # A mean over runs of which one diverged.
    return "not finite" if value is None else f"{value:.3g}"
