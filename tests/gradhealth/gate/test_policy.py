import datetime as dt

import pytest

from gradhealth.exceptions import InvalidDocumentError
from gradhealth.gate.judgement import judge
from gradhealth.gate.policy import (
    Policy,
    expired,
    levels_for,
    parse_policy,
    settings,
    threshold_settings,
    thresholds_for,
)
from gradhealth.schemas.analysis import Result
from tests.support.results import a_result

TODAY = dt.date(2026, 11, 24)
POLICY = """
fail_on = "warning"

[levels]
stalled_training = "info"

[thresholds.vanishing_gradient]
gain = -4.0

[[overrides]]
files = ["experiments/*"]
levels = { vanishing_gradient = "warning" }

[[ignore]]
problem = "vanishing_gradient"
files = ["legacy/*.json"]
reason = "will be replaced in January"
until = 2026-12-31
"""


def judged(text, path="net.json", fail_on="critical", today=TODAY):
    return judge(a_result(), parse_policy(text), path, fail_on, today)


def test_without_a_policy_a_result_stays_as_it_was_measured():
    judgement = judged("")

    assert judgement.result == a_result()
    assert judgement.blocking == {"vanishing_gradient"}


def test_a_healthy_result_blocks_nothing():
    healthy = Result(verdict="healthy", summary="fine")

    judgement = judge(healthy, parse_policy(POLICY), "a", "warning", TODAY)

    assert judgement.result == healthy
    assert not judgement.blocking


def test_levels_lower_a_severity_and_say_so():
    judgement = judged('levels = { vanishing_gradient = "warning" }')

    assert judgement.result.verdict == "warning"
    assert not judgement.blocking
    assert "counts as warning" in judgement.result.notes[-1]


def test_what_is_off_is_hidden():
    text = 'levels = { vanishing_gradient = "off", stalled_training = "off" }'

    result = judged(text).result

    assert (result.verdict, result.primary, result.findings) == ("healthy", None, [])


def test_overrides_hold_for_their_files_only():
    policy = parse_policy(POLICY)

    assert levels_for(policy, "net.json")["vanishing_gradient"] == "critical"
    assert levels_for(policy, "experiments/a.json")["vanishing_gradient"] == "warning"


def test_an_ignored_problem_is_accepted_with_its_reason_until_its_last_day():
    last, after = dt.date(2026, 12, 31), dt.date(2027, 1, 1)

    ignored = judged(POLICY, "legacy/a.json", today=last)

    assert not ignored.blocking
    assert any("replaced in January" in note for note in ignored.result.notes)
    assert judged(POLICY, "legacy/a.json", today=after).blocking
    assert judged(POLICY, "net.json", today=last).blocking
    assert [each.problem for each in expired(parse_policy(POLICY), after)]


def test_settings_say_where_each_level_comes_from():
    origins = {
        s.problem: s.origin for s in settings(parse_policy(POLICY), "experiments/a")
    }

    assert origins["stalled_training"] == "levels"
    assert origins["vanishing_gradient"] == "overrides[0]"
    assert origins["dead_relu"] == "default"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("levels", "no TOML"),
        ("level = {}", "did you mean 'levels'"),
        ('levels = { vanishing = "off" }', "did you mean 'vanishing_gradient'"),
        ('levels = { dead_relu = "loud" }', "'off', 'info', 'warning'"),
        ('[[ignore]]\nproblem = "dead_relu"\nreason = "x"', "needs the key 'until'"),
        (
            '[[ignore]]\nproblem = "dead_relu"\nreason = ""\nuntil = 2027-01-01',
            "at least 1 character",
        ),
        ('fail_on = "always"', "'critical', 'warning' or 'never'"),
        ("thresholds.dead_relu.shares = 0.5", "did you mean 'share'"),
        ("thresholds.dead_rel.share = 0.5", "did you mean 'dead_relu'"),
        ('thresholds.dead_relu.share = "a"', "valid number"),
        (
            '[[overrides]]\nfiles = ["*"]\nthresholds = { non_finite = { x = 1.0 } }',
            "no threshold 'x'",
        ),
    ],
)
def test_mistakes_are_named(text, message):
    with pytest.raises(InvalidDocumentError) as error:
        parse_policy(text)

    assert message in str(error.value)


def test_an_empty_file_is_the_default_policy():
    assert parse_policy("") == Policy()


def test_thresholds_come_from_the_file_and_its_overrides():
    text = POLICY.replace(
        'levels = { vanishing_gradient = "warning" }',
        "thresholds = { vanishing_gradient = { gain = -6.0 } }",
    )
    policy = parse_policy(text)

    assert thresholds_for(policy, "a.json") == {"vanishing_gradient": {"gain": -4.0}}
    assert thresholds_for(policy, "experiments/a.json") == {
        "vanishing_gradient": {"gain": -6.0}
    }
    assert thresholds_for(parse_policy(""), "a.json") == {}
    shown = {
        (s.problem, s.name): (s.value, s.origin)
        for s in threshold_settings(policy, "experiments/a.json")
    }
    assert shown["vanishing_gradient", "gain"] == (-6.0, "overrides[0]")
    assert shown["dead_relu", "share"] == (0.9, "default")


def test_a_result_that_no_longer_counts_says_so_in_its_summary():
    text = 'levels = { vanishing_gradient = "off" }'

    result = judged(text).result

    assert result.primary == "stalled_training"
    assert result.summary.startswith("Stalled training")


def test_a_last_day_may_be_quoted():
    text = '[[ignore]]\nproblem = "dead_relu"\nreason = "x"\nuntil = "{}"'

    [ignore] = parse_policy(text.format("2027-06-30")).ignore
    assert ignore.until == dt.date(2027, 6, 30)
    with pytest.raises(InvalidDocumentError, match="is no date such as 2027-06-30"):
        parse_policy(text.format("next week"))
