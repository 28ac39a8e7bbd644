"""What a network is made of: activations, weights, norms, skips, gates."""

from ...fixes.replace_activation import CHOICES
from .base import Advice

_BY_LAYER = (
    "Train 200 steps with and without it and log the norm of every layer: the factor "
    "from layer to layer should come near 1"
)
ADVICE = (
    Advice(
        name="replace_activation_relu",
        treats=frozenset({"vanishing_gradient", "saturated_activation"}),
        causes=frozenset({"activation", "input_scale"}),
        title="Replace saturating activations by ReLU with He weights",
        why=CHOICES["relu"][1],
        snippet="# nn.ReLU in place of nn.Sigmoid or nn.Tanh, and for each layer:\n"
        'nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")',
        experiment=_BY_LAYER,
    ),
    Advice(
        name="initialise_for_activation",
        treats=frozenset({"vanishing_gradient", "exploding_gradient"}),
        causes=frozenset({"initialisation", "depth"}),
        title="Draw the weights with the variance that belongs to the activation",
        why="Weights of variance 2/fan_in (ReLU) or 1/fan_in (tanh) keep a gradient's "
        "size; torch's default has 1/(3 fan_in) (He 2015; Schoenholz 2017).",
        snippet='nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")\n'
        '# or "tanh"',
        experiment=_BY_LAYER,
    ),
    Advice(
        name="add_normalisation",
        treats=frozenset({"vanishing_gradient", "saturated_activation", "dead_relu"}),
        title="Put a norm before each hidden activation",
        why="A norm brings the pre-activations back to mean 0 and variance 1 in every "
        "layer, so that slopes neither vanish nor saturate (Ioffe & Szegedy 2015).",
        snippet="nn.Linear(n, n), nn.BatchNorm1d(n), activation",
        experiment=_BY_LAYER,
    ),
    Advice(
        name="add_residual_scaled",
        treats=frozenset({"vanishing_gradient"}),
        title="Add scaled skips around blocks",
        why="A skip hands the gradient on as it is; scaled by 1/sqrt(L), or with a "
        "norm in each branch, L of them do not blow it up (De & Smith 2020).",
        snippet="x = x + num_blocks**-0.5 * block(x)",
        experiment=_BY_LAYER,
    ),
    Advice(
        name="reset_biases",
        treats=frozenset({"dead_relu"}),
        title="Start the biases at 0, or use a leaky slope",
        why="Units whose bias is far below 0 are off for every input from the start; a "
        "slope below 0 lets those that died come back.",
        snippet="nn.init.zeros_(layer.bias)\nnn.LeakyReLU(0.1)",
        experiment="Count the units that are 0 for 256 inputs, before and after 100 "
        "steps",
    ),
    Advice(
        name="set_forget_bias",
        treats=frozenset({"temporal_vanishing_gradient"}),
        title="Start the forget gate open",
        why="A forget bias of about log(lag) lets the cell keep its state so long "
        "(Jozefowicz 2015; Tallec & Ollivier 2018).",
        snippet="n = lstm.hidden_size  # gates of an LSTM are i, f, g, o\n"
        "with torch.no_grad():\n"
        "    lstm.bias_ih_l0[n : 2 * n] = 3.0",
        experiment="Measure how much of a gradient at the last step reaches the first, "
        "before training: the recorder's temporal_gain",
    ),
    Advice(
        name="initialise_recurrence",
        treats=frozenset({"temporal_exploding_gradient"}),
        title="Draw recurrent weights orthogonal",
        why="Orthogonal recurrent weights neither shrink nor grow a gradient (Saxe "
        "2014).",
        snippet="nn.init.orthogonal_(rnn.weight_hh_l0)",
        experiment="Measure the temporal gain before training: it should be near 1",
    ),
)
