import pytest

from gradhealth.architecture.network import resolve
from gradhealth.early import judge_early
from tests.support.specs import LINEAR, classify

SGD = {"type": "SGD", "lr": 0.1}
ADAM = {"type": "Adam"}


def judged(*layers, optimizer=SGD, thresholds=None, **fields):
    training = {"optimizer": optimizer}
    network = resolve(classify(*layers, training=training, **fields))
    return judge_early(network, thresholds or {})


def deep(activation, depth, width=32):
    return [{"type": "Linear", "out_features": width}, {"type": activation}] * depth


def init(fn, **arguments):
    return [{"match": "Linear.weight", "fn": fn, **arguments}]


@pytest.mark.parametrize("optimizer", [SGD, ADAM])
def test_gradients_that_arrive_are_healthy_so_far(optimizer):
    result = judged(*deep("ReLU", 8), optimizer=optimizer, init=init("kaiming_normal_"))

    assert (result.verdict, result.findings) == ("healthy", [])
    assert "learning rate" in result.notes[0]
    assert result.layers


def test_one_layer_has_no_depth_to_fail_by():
    assert judged().verdict == "healthy"


@pytest.mark.parametrize(
    ("layers", "rules", "problem"),
    [
        (deep("Sigmoid", 12), init("xavier_normal_"), "vanishing_gradient"),
        (deep("ReLU", 10), init("normal_", std=1.0), "exploding_gradient"),
        (deep("ReLU", 3), [{"match": "Linear.bias", "value": -9.0}], "dead_relu"),
    ],
)
def test_what_cannot_learn_is_critical_without_training(layers, rules, problem):
    result = judged(*layers, init=rules)

    assert (result.verdict, result.primary) == ("critical", problem)
    assert result.findings[0].confidence > 0.9
    assert "initialisation" in result.notes[0]


def test_an_adaptive_optimizer_gets_more_of_the_doubt():
    layers = deep("Sigmoid", 8)
    rules = init("xavier_normal_")

    assert judged(*layers, init=rules).verdict == "critical"
    assert judged(*layers, init=rules, optimizer=ADAM).verdict == "insufficient_data"


def test_what_stands_on_the_border_is_not_decided():
    result = judged(*deep("Sigmoid", 5), init=init("xavier_normal_"))

    assert result.verdict == "insufficient_data"
    assert "on the border" in result.summary
    assert result.layers


def test_saturated_units_are_not_decided():
    result = judged(*deep("Tanh", 2), data={"task": "clusters", "scale": 100.0})

    assert result.verdict == "insufficient_data"


def test_units_that_few_inputs_turn_on_are_not_decided():
    rules = [*init("kaiming_normal_"), {"match": "Linear.bias", "value": -4.0}]

    assert judged(*deep("ReLU", 1), init=rules).verdict == "insufficient_data"


def test_thresholds_move_the_border():
    layers, rules = deep("Sigmoid", 5), init("xavier_normal_")
    lenient = {"vanishing_gradient": {"gain": -9.0}}

    assert judged(*layers, init=rules, thresholds=lenient).verdict == "healthy"


def test_where_numpy_cannot_look_theory_decides():
    conv = {"type": "Conv2d", "out_channels": 8, "kernel_size": 3, "padding": 1}
    spec = {
        "data": {"task": "images"},
        "model": [*[conv, {"type": "ReLU"}] * 14, {"type": "Flatten"}, LINEAR],
    }

    result = judge_early(resolve(spec))

    assert (result.verdict, result.primary) == ("critical", "vanishing_gradient")
    assert "theory" in result.notes[0]


def test_recurrent_networks_are_left_to_training():
    rnn = {"type": "RNN", "hidden_size": 4, "return": "last"}
    spec = {"data": {"task": "recall", "length": 5}, "model": [rnn, LINEAR]}

    assert judge_early(resolve(spec)).verdict == "insufficient_data"


def test_where_nobody_can_tell_it_says_so():
    conv = {"type": "Conv2d", "out_channels": 8, "kernel_size": 3}
    spec = {
        "data": {"task": "images"},
        "model": [conv, conv, {"type": "Flatten"}, LINEAR],
        "init": [{"match": "Conv2d.weight", "value": 0.1}],
    }

    result = judge_early(resolve(spec))

    assert result.verdict == "insufficient_data"
    assert "start equal" in result.summary
