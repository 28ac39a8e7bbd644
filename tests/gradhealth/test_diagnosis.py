import numpy as np
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


@pytest.mark.parametrize("how", [{"decades_per_layer": -1.0}, {"update_ratio": 1e-8}])
def test_borderline_harm_only_warns(how):
    assert diagnose(traces(progress=0.47, **how)).verdict == "warning"
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


def stalled(spec, *, grad_norm=1.0, losses=None, thresholds=None, **how):
    """The finding on a network that fails although nothing else is wrong."""
    runs = traces(progress=0.0, losses=losses, **how)
    for run in runs:
        norms = np.full(len(run.steps), grad_norm)
        run.series["grad_norm"] = np.ma.masked_array(norms)
    own = {"stalled_training": thresholds or {}}
    [finding] = diagnose(runs, resolve(spec), own).findings
    assert finding.problem == "stalled_training"
    return finding


def shallow(*last, data=None, **training):
    model = [{"type": "Linear", "out_features": 8}, {"type": "ReLU"}]
    return {
        "data": data or {"task": "clusters"},
        "model": [*model, *(last or [{"type": "Linear", "out_features": 4}])],
        "training": training,
    }


def adam(**arguments):
    return {"type": "Adam", "lr": 1e-3} | arguments


def test_an_eps_far_above_the_gradient_is_named_and_not_the_gradient():
    how = {"grad_norm": 0.1, "update_ratio": 1e-7}

    large = stalled(shallow(optimizer=adam(eps=100.0)), **how)
    usual = stalled(shallow(optimizer=adam()), **how)

    assert large.cause.kind == "optimizer"
    assert "eps of 100" in large.cause.text
    assert usual.cause.kind == "initialisation"


def test_a_softmax_before_the_cross_entropy_is_the_cause():
    scores = {"type": "Linear", "out_features": 4}

    cause = stalled(shallow(scores, {"type": "Softmax"})).cause

    assert (cause.kind, cause.layers) == ("loss", ["model.3"])


def test_large_targets_are_the_cause_whatever_the_optimizer():
    data = {"task": "regression", "target_scale": 1000.0}
    spec = shallow({"type": "Linear", "out_features": 1}, data=data, optimizer=adam())

    cause = stalled(spec, trivial_loss=7e5, losses=[7e5] * 100).cause

    assert cause.kind == "target_scale"


@pytest.mark.parametrize(
    ("optimizer", "kind"),
    [
        ({"type": "AdamW", "lr": 0.01, "weight_decay": 20.0}, "weight_decay"),
        ({"type": "SGD", "lr": 0.1, "weight_decay": 1.0}, "weight_decay"),
        ({"type": "AdamW", "lr": 0.01, "weight_decay": 0.1}, "unknown"),
        ({"type": "Adam", "lr": 0.01, "weight_decay": 20.0}, "unknown"),
    ],
)
def test_a_decay_that_takes_the_weights_faster_than_the_run_lasts(optimizer, kind):
    assert stalled(shallow(optimizer=optimizer)).cause.kind == kind


def test_a_loss_that_came_down_a_little_is_not_said_to_stay():
    flat = stalled(shallow(), update_ratio=0.02)
    part = stalled(
        shallow(), update_ratio=0.02, losses=[*np.linspace(1, 0.7, 40), *[0.7] * 60]
    )

    assert "the loss stays" in flat.cause.text
    assert "by only 30% of what can be learned" in part.cause.text


def test_a_slow_fall_on_targets_without_relation_may_be_learning_by_heart():
    falling = np.linspace(1, 0.8, 100)

    related, unrelated = (
        stalled(shallow(), losses=falling, neighbour_progress=progress).cause
        for progress in (0.9, 0.0)
    )

    assert (related.kind, unrelated.kind) == ("learning_rate", "learning_rate")
    assert "by heart" not in related.text
    assert "by heart" in unrelated.text


@pytest.mark.parametrize(
    ("loss", "data", "is_blamed"),
    [
        ("nll_of_softmax", {"task": "clusters"}, True),
        ("mse", {"task": "reconstruction", "features": 4, "latent": 2}, False),
    ],
)
def test_only_a_loss_with_a_logarithm_can_have_taken_that_of_0(loss, data, is_blamed):
    place = NonFinite(where="loss", layer=None, step=3)
    runs = traces(progress=0.0, first_update=30.0, non_finite=place)

    findings = diagnose(runs, resolve(shallow(data=data, loss=loss))).findings

    [broken] = [found for found in findings if found.problem == "non_finite"]
    assert ("logarithm" in broken.cause.text) == is_blamed


def test_growth_in_time_is_told_by_the_step():
    layer = {"type": "RNN", "hidden_size": 8, "return": "last"}
    network = resolve(
        {
            "data": {"task": "recall", "length": 40},
            "model": [layer, {"type": "Linear", "out_features": 4}],
        }
    )

    finding = diagnose(traces(progress=0.0, temporal=2.0), network).findings[0]

    assert finding.problem == "temporal_exploding_gradient"
    assert "multiplies the gradient by 2.00" in finding.cause.text


def test_a_memory_that_ends_before_the_lag_explains_a_stall():
    spec = {
        "data": {"task": "recall", "length": 40, "lag": 20},
        "model": [
            {"type": "LSTM", "hidden_size": 8, "return": "last"},
            {"type": "Linear", "out_features": 4},
        ],
    }
    unrelated = {"neighbour_progress": 0.0, "lag": 20, "update_ratio": 0.02}

    short = stalled(spec, temporal=0.75, **unrelated)
    long = stalled(spec, temporal=0.95, **unrelated)

    assert (short.cause.kind, long.cause.kind) == ("recurrence", "labels")
    assert "left after 16 steps" in short.cause.text
    assert "needs 20" in short.cause.text


# The gradient arrives at the start, and next to nothing of it in the end.
LOST = {"decades_per_layer": -0.01, "decades_at_end": -0.5, "update_ratio": 0.02}
# As long as the traces are.
CHAIN = {"chain": 5.0}


def test_a_long_chain_is_suspected_where_the_gradient_gets_lost_in_training():
    layer = [{"type": "Linear", "out_features": 8}, {"type": "Tanh"}]
    skips = {"type": "Residual", "body": [{"repeat": 2, "body": layer}]}

    causes = {
        "long": stalled(shallow(), thresholds=CHAIN, **LOST).cause,
        "short": stalled(shallow(), **LOST).cause,
        "kept": stalled(
            shallow(), thresholds=CHAIN, **LOST | {"decades_at_end": -0.01}
        ).cause,
        "with skips": stalled(shallow(skips, *layer), thresholds=CHAIN, **LOST).cause,
    }

    assert {name: cause.kind for name, cause in causes.items()} == {
        "long": "depth",
        "short": "unknown",
        "kept": "unknown",
        "with skips": "unknown",
    }
    assert "as little as 0.9 arrives at the start, and 0.0032" in causes["long"].text
    assert len(causes["long"].layers) == 6


def test_a_rate_at_which_the_chain_learns_is_more_than_a_suspicion():
    runs = traces(progress=0.0, **LOST)
    own = {"stalled_training": CHAIN}
    suspected = diagnose(runs, resolve(shallow()), own)

    [finding] = confirm_rate(suspected, lr_multiplier=0.3, progress=0.9).findings

    assert suspected.findings[0].cause.kind == "depth"
    assert (finding.cause.kind, finding.cause.layers) == ("learning_rate", [])
