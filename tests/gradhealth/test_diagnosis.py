import pytest

from gradhealth.architecture.network import resolve
from gradhealth.diagnosis import confirm_rate, diagnose
from gradhealth.schemas.trace import NonFinite
from tests.support.traces import empty_trace, trace, traces


def test_a_network_that_learns_is_healthy():
    diagnosis = diagnose(traces())

    assert (diagnosis.verdict, diagnosis.primary) == ("healthy", None)
    assert diagnosis.findings == ()


@pytest.mark.parametrize(
    ("problem", "how"),
    [
        ("vanishing_gradient", {"decades_per_layer": -1.0}),
        ("exploding_gradient", {"decades_per_layer": 1.0}),
        ("exploding_gradient", {"first_update": 0.8}),
        ("exploding_gradient", {"losses": [1.0] * 50 + [5.0] * 50}),
        ("dead_relu", {"dead": 0.97}),
        ("dead_relu", {"active": 0.0005}),
        ("saturated_activation", {"saturated": 0.7}),
        ("weight_collapse", {"weight_ratio": 0.01}),
        ("temporal_vanishing_gradient", {"temporal": 0.6, "lag": 40}),
        ("temporal_exploding_gradient", {"temporal": 1.5}),
        ("stalled_training", {"update_ratio": 1e-8}),
        ("non_finite", {"non_finite": NonFinite(step=3, where="data")}),
    ],
)
def test_evidence_with_harm_is_critical(problem, how):
    diagnosis = diagnose(traces(progress=0.0, **how))

    assert (diagnosis.verdict, diagnosis.primary) == ("critical", problem)
    assert diagnosis.findings[0].confidence > 0.9
    assert diagnosis.findings[0].evidence


@pytest.mark.parametrize(
    "how",
    [
        {"decades_per_layer": -1.0},
        {"decades_per_layer": 1.0},
        {"temporal": 0.6, "lag": 40},
    ],
)
def test_evidence_without_harm_is_latent_and_no_alarm(how):
    diagnosis = diagnose(traces(**how))

    assert (diagnosis.verdict, diagnosis.primary) == ("healthy", None)
    assert [finding.severity for finding in diagnosis.findings] == ["info"]


@pytest.mark.parametrize(
    "how",
    [{"dead": 0.97}, {"active": 0.0005}, {"saturated": 0.7}, {"weight_ratio": 0.01}],
)
def test_a_consequence_without_harm_is_not_mentioned(how):
    assert diagnose(traces(**how)).findings == ()


def test_a_short_memory_harms_nobody_who_needs_none():
    assert diagnose(traces(temporal=0.6, lag=2)).findings == ()
    assert diagnose(traces(temporal=0.6, lag=None)).findings == ()


def test_dead_units_stand_before_the_vanishing_they_cause():
    diagnosis = diagnose(traces(progress=0.0, dead=1.0, decades_per_layer=-100.0))

    assert [finding.problem for finding in diagnosis.findings] == ["dead_relu"]


def test_a_sparse_layer_is_not_dead():
    diagnosis = diagnose(traces(progress=0.0, dead=0.6, active=0.03))

    assert diagnosis.primary == "stalled_training"


def test_a_layer_that_rare_outliers_turn_on_is_dead_from_its_first_weights():
    diagnosis = diagnose(traces(progress=0.0, dead=0.1, active=[0.5] * 5 + [1e-4]))

    [finding] = diagnosis.findings
    assert (finding.cause.kind, finding.layers) == ("initialisation", ["model.11"])
    assert finding.evidence[0].statistic == "active_fraction"


def test_a_layer_that_revives_too_late_was_dead():
    runs = traces(progress=0.3)
    for run in runs:
        run.layer_series["active_fraction"][0] = 0.0001
        run.layer_series["active_fraction"][40] = 0.0
        run.layer_series["active_fraction"][-1] = 0.05

    assert diagnose(runs).primary == "dead_relu"


def test_a_layer_that_revives_early_is_no_reason_to_fail():
    runs = traces(progress=0.3)
    for run in runs:
        run.layer_series["active_fraction"][0] = 0.0001
        run.layer_series["active_fraction"][40] = 0.3

    assert diagnose(runs).primary == "stalled_training"


def test_half_dead_units_of_a_vanishing_network_are_a_consequence():
    diagnosis = diagnose(traces(progress=0.0, dead=0.75, decades_per_layer=-1.0))

    assert [finding.problem for finding in diagnosis.findings] == ["vanishing_gradient"]


def test_growth_before_nan_is_the_cause_of_nan():
    broken = {"non_finite": NonFinite(step=3, where="gradient"), "losses": [1.0] * 3}

    diagnosis = diagnose(traces(decades_per_layer=1.0, **broken))

    assert [finding.problem for finding in diagnosis.findings] == [
        "exploding_gradient",
        "non_finite",
    ]


def test_an_empty_trace_is_not_judged():
    diagnosis = diagnose([empty_trace()])

    assert (diagnosis.verdict, diagnosis.primary) == ("insufficient_data", None)


def test_structure_alone_warns_when_nothing_was_trained():
    diagnosis = diagnose([trace(num_steps=1, losses=[1.0], decades_per_layer=-1.0)])

    assert (diagnosis.verdict, diagnosis.primary) == ("warning", "vanishing_gradient")
    assert "learning was not judged" in diagnosis.notes[0]


def test_a_wide_spread_over_seeds_lowers_the_confidence():
    clear = [trace(seed=i, decades_per_layer=-0.8, progress=0.0) for i in range(3)]
    torn = [
        trace(seed=i, decades_per_layer=slope, progress=0.0)
        for i, slope in enumerate((-0.2, -0.8, -1.2))
    ]

    sure, unsure = (diagnose(runs).findings[0].confidence for runs in (clear, torn))

    assert unsure < sure


def deep(activation, **layer):
    return resolve(
        {
            "input": {"shape": [8]},
            "model": [
                {
                    "repeat": 6,
                    "body": [
                        {"type": "Linear", "out_features": 8, **layer},
                        {"type": activation},
                    ],
                },
                {"type": "Linear", "out_features": 4},
            ],
        }
    )


@pytest.mark.parametrize(
    ("activation", "kind"), [("Sigmoid", "activation"), ("ReLU", "initialisation")]
)
def test_the_cause_of_vanishing_is_the_activation_or_its_initialisation(
    activation, kind
):
    runs = traces(progress=0.0, decades_per_layer=-0.7)

    cause = diagnose(runs, deep(activation)).findings[0].cause

    assert cause.kind == kind
    assert "0.19" in cause.text or "0.2" in cause.text


def test_a_too_high_learning_rate_is_named_as_the_cause():
    diagnosis = diagnose(traces(progress=0.0, first_update=0.9), deep("ReLU"))

    assert diagnosis.findings[0].cause.kind == "learning_rate"


def test_units_that_die_in_a_network_that_vanished_before_are_its_consequence():
    found = traces(decades_per_layer=-1.0, progress=0.0, dead=1.0)
    for run in found:
        run.layer_series["dead_fraction"][0] = 0.3

    first, second = diagnose(found).findings[:2]

    assert first.problem == "vanishing_gradient"
    assert (second.problem, second.consequence_of) == ("dead_relu", first.problem)


def test_a_steep_fall_explains_a_shallow_network_that_fails_and_no_other():
    failing = diagnose(traces(decades_per_layer=-0.45, progress=0.0))
    learning = diagnose(traces(decades_per_layer=-0.45))

    assert failing.primary == "vanishing_gradient"
    assert failing.findings[0].confidence < 0.9
    assert learning.findings == ()


def test_borderline_harm_only_warns():
    assert diagnose(traces(decades_per_layer=-1.0, progress=0.47)).verdict == "warning"
    assert diagnose(traces(decades_per_layer=-1.0, progress=0.1)).verdict == "critical"


def test_weights_that_a_penalty_shrinks_are_no_explosion():
    shrinking = traces(progress=0.0, first_update=0.6, weight_ratio=0.001)

    assert diagnose(shrinking).primary == "weight_collapse"


def test_a_learning_rate_that_the_sweep_shows_is_evidence():
    diagnosis = diagnose(traces(progress=0.0))

    confirmed = confirm_rate(diagnosis, lr_multiplier=0.1, progress=0.97)

    [finding] = confirmed.findings
    assert finding.cause.kind == "learning_rate"
    assert "At 0.1 times the rate it learns" in finding.cause.text
    assert finding.evidence[-1].value == 0.97
