"""What goes in and how it is computed: data, precision, scales, the loss."""

from .base import Advice

ADVICE = (
    Advice(
        name="reset_loss_scale",
        treats=frozenset({"scale_artefact"}),
        causes=frozenset({"precision"}),
        title="Take the loss scale out before norms are read",
        why="Gradients of a scaled loss are larger by the scale; limits and logs then "
        "mean something else.",
        snippet="scaler.unscale_(optimizer)\n"
        "nn.utils.clip_grad_norm_(model.parameters(), max_norm)",
        experiment="Log the norm before and after `unscale_` once: their ratio is the "
        "factor",
    ),
    Advice(
        name="raise_precision",
        treats=frozenset({"non_finite"}),
        causes=frozenset({"precision", "unknown"}),
        title="Train in bfloat16 or float32 for a while",
        why="float16 ends at 65,504; bfloat16 has the range of float32 and needs no "
        "loss scale.",
        snippet='with torch.autocast("cuda", dtype=torch.bfloat16): ...',
        experiment="Repeat the steps around step {step} in float32 from the checkpoint "
        "before: finite there means it was the precision",
    ),
    Advice(
        name="use_stable_loss",
        treats=frozenset({"non_finite"}),
        causes=frozenset({"unknown"}),
        title="Take the loss from logits",
        why="log(softmax(x)) and log(sigmoid(x)) written out are infinite as soon as a "
        "probability underflows; the fused losses are not.",
        snippet="nn.functional.cross_entropy(logits, target)\n"
        "torch.autograd.set_detect_anomaly(True)  # names the operation, slowly",
        experiment="Run the batch of step {step} once with anomaly detection: it names "
        "the operation that made the first NaN",
    ),
    Advice(
        name="clean_data",
        treats=frozenset({"non_finite", "gradient_spikes"}),
        causes=frozenset({"unknown", "data"}),
        title="Look at the batches of these steps",
        why="NaN, empty sequences and labels out of range come in with single batches "
        "and no change of the network helps against them.",
        snippet="assert x.isfinite().all() and y.isfinite().all()",
        experiment="Load the batches around step {step} alone and look at their "
        "smallest and largest values",
    ),
    Advice(
        name="clean_data_one_batch",
        treats=frozenset({"stalled_training"}),
        title="Learn one batch by heart",
        why="A network that cannot do that does not receive the gradient or does not "
        "see the targets; one that can has a problem of data or regularisation.",
        snippet="x, y = next(iter(loader))\nfor _ in range(500):\n    step(x, y)",
        experiment="500 steps on one batch: the loss should come near 0",
    ),
    Advice(
        name="standardise_inputs",
        treats=frozenset({"saturated_activation", "stalled_training"}),
        causes=frozenset({"input_scale", "unknown"}),
        title="Standardise the inputs",
        why="Inputs of mean 0 and deviation 1 keep the first activations off their "
        "flat parts (LeCun 1998).",
        snippet="x = (x - x_train.mean(0)) / x_train.std(0)",
        experiment="Print mean and deviation of the first layer's input, and train 200 "
        "steps with both",
    ),
)
