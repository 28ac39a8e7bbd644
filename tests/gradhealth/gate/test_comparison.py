import pytest

from gradhealth.gate.comparison import compare, worsened
from gradhealth.schemas.analysis import LayerStatistics, Result, Spread, Stages
from gradhealth.schemas.curve import Curve
from gradhealth.schemas.finding import Cause, Evidence, Finding

HEALTHY = Result(verdict="healthy", summary="fine")


def finding(severity="critical", value=-5.0, spread=0.1):
    return Finding(
        problem="vanishing_gradient",
        severity=severity,
        confidence=0.9,
        evidence=[
            Evidence(
                statistic="log10_backward_gain",
                value=value,
                spread=spread,
                threshold=-3.0,
            )
        ],
        cause=Cause(kind="depth", text="deep"),
        explanation="-",
    )


def result(*findings, gain=1.0, loss=0.1, spread=0.01):
    layer = LayerStatistics(
        path="model.0",
        type="Linear",
        depth=0,
        backward_gain=Stages(start=Spread(mean=gain, spread=0.05)),
    )
    curve = Curve(steps=[0, 1], mean=[loss] * 2, spread=[spread] * 2)
    return HEALTHY.model_copy(
        update={
            "findings": list(findings),
            "layers": [layer],
            "curves": {"loss": curve},
        }
    )


def numbers(comparison):
    return {change.statistic: change.standing for change in comparison.numbers}


def test_nothing_changed_is_neither_worse_nor_better():
    same = compare(result(finding()), result(finding()))

    assert same.standing == "same"
    assert not worsened(same)
    assert set(numbers(same).values()) == {"same"}


def test_two_healthy_results_without_numbers_compare():
    assert compare(HEALTHY, HEALTHY).standing == "same"


@pytest.mark.parametrize("value", [-5.2, -4.8])
def test_changes_within_the_spread_over_seeds_are_noise(value):
    assert compare(result(finding()), result(finding(value=value))).standing == "same"


def test_a_new_problem_is_worse_and_a_gone_one_better():
    sick = result(finding(), gain=1e-5)

    assert worsened(compare(result(), sick)) == {"vanishing_gradient"}
    assert compare(sick, result()).standing == "better"


def test_a_problem_whose_numbers_were_there_before_is_one_of_the_seeds():
    fell = result(finding(value=-3.05), gain=10**-3.05)

    assert compare(result(gain=10**-2.95), fell).standing == "same"
    assert compare(result(gain=10**-2.0), fell).standing == "worse"


def test_a_severity_that_rises_with_the_same_numbers_is_one_of_the_seeds():
    def harmed(severity, progress):
        found = finding(severity)
        harm = Evidence(
            statistic="progress", value=progress, spread=0.05, threshold=0.5
        )
        return result(
            found.model_copy(update={"evidence": [*found.evidence, harm]}), gain=1e-5
        )

    borderline = harmed("warning", 0.49)

    assert compare(borderline, harmed("critical", 0.45)).standing == "same"
    assert compare(borderline, harmed("critical", 0.01)).standing == "worse"


def test_a_number_that_is_no_longer_finite_is_worse():
    broken = result(finding(value=float("nan")))

    assert compare(result(finding()), broken).standing == "worse"
    assert compare(broken, broken).standing == "same"


def test_a_latent_problem_does_not_count_until_it_harms():
    latent = result(finding("info"))

    assert compare(result(), latent).standing == "same"
    assert compare(latent, result(finding("critical"))).standing == "worse"


def test_a_known_problem_gets_worse_with_its_number():
    assert compare(result(finding()), result(finding(value=-9.0))).standing == "worse"
    assert compare(result(finding(value=-9.0)), result(finding())).standing == "better"


def test_numbers_show_the_absolute_and_the_relative_change():
    comparison = compare(result(loss=0.1), result(loss=0.4, gain=1e-2))

    [gain, loss] = comparison.numbers
    assert (gain.standing, gain.difference) == ("worse", -2.0)
    assert (loss.standing, loss.relative) == ("worse", pytest.approx(3.0))
    assert comparison.standing == "same"
