"""How far and where a step goes: rate, warm-up, limits, decay."""

from .base import Advice

_BY_LOSS = (
    "Start again from the last checkpoint before step {step}, with and without it: "
    "after as many steps the loss should be lower, and the norm in its earlier range"
)

ADVICE = (
    Advice(
        name="lower_learning_rate",
        treats=frozenset(
            {
                "exploding_gradient",
                "divergence",
                "gradient_growth",
                "gradient_spikes",
                "dead_relu",
                "non_finite",
            }
        ),
        causes=frozenset({"learning_rate", "unknown"}),
        title="Lower the learning rate{from_rate}",
        why="Steps that are too large for where the weights are make the next gradient "
        "steeper; a third, then a tenth of the rate shows whether that is it.",
        snippet="for group in optimizer.param_groups:\n"
        '    group["lr"] *= 0.3  # then 0.1',
        experiment=_BY_LOSS,
    ),
    Advice(
        name="warm_up",
        treats=frozenset({"exploding_gradient", "divergence", "gradient_growth"}),
        causes=frozenset({"learning_rate"}),
        title="Warm the learning rate up",
        why="Adaptive optimizers know too little in their first steps to size them "
        "(Liu 2020); a linear warm-up over some hundred steps bridges that.",
        snippet="torch.optim.lr_scheduler.LinearLR(\n"
        "    optimizer, start_factor=1e-3, total_iters=500)",
        experiment="Run the first 1,000 steps with and without it: the norm should not "
        "rise after the start-up",
    ),
    Advice(
        name="clip_gradients",
        treats=frozenset(
            {"exploding_gradient", "divergence", "gradient_spikes", "non_finite"}
        ),
        causes=frozenset({"learning_rate", "data", "unknown", "recurrence"}),
        title="Clip the gradient's norm at {limit}",
        why="A clipped step has a bounded length, so that one steep place does not "
        "throw the weights away (Pascanu 2013). Nine of ten steps of this run had a "
        "smaller norm.",
        snippet="# between loss.backward() and optimizer.step():\n"
        "nn.utils.clip_grad_norm_(model.parameters(), {limit})",
        experiment=_BY_LOSS,
    ),
    Advice(
        name="loosen_clipping",
        treats=frozenset({"clipping_always_on"}),
        title="Raise the limit to {limit}, or lower the rate by what clipping takes",
        why="A limit above ordinary norms cuts the rare spike and leaves the length of "
        "the others to the gradient and the schedule.",
        snippet="nn.utils.clip_grad_norm_(model.parameters(), {limit})",
        experiment="Run 500 steps each with the new limit, and with the old one at a "
        "tenth of the rate: where both are alike, it was the rate",
    ),
    Advice(
        name="raise_learning_rate",
        treats=frozenset({"stalled_training"}),
        shown_by="update_ratio",
        title="Raise the learning rate{from_rate}",
        why="Updates so small beside the weights change nothing in any number of "
        "steps; about 1e-3 of the weights a step is customary.",
        snippet='for group in optimizer.param_groups:\n    group["lr"] *= 3  # then 10',
        experiment="200 steps each at 0.1, 0.3, 3 and 10 times the rate: if no loss "
        "leaves the plateau, it is not the rate",
    ),
    Advice(
        name="raise_learning_rate",
        treats=frozenset({"stalled_training"}),
        causes=frozenset({"unknown"}),
        title="Raise the learning rate{from_rate}, over a sweep",
        why="At a rate that is too low the loss is flat as well; three and ten times "
        "as much show it within a few hundred steps.",
        snippet='for group in optimizer.param_groups:\n    group["lr"] *= 3  # then 10',
        experiment="200 steps each at 0.1, 0.3, 3 and 10 times the rate: if no loss "
        "leaves the plateau, it is not the rate",
    ),
    Advice(
        name="reduce_weight_decay",
        treats=frozenset({"weight_collapse"}),
        title="Reduce weight decay tenfold",
        why="Decay takes rate * decay of the weights a step, whatever the gradient.",
        snippet="torch.optim.AdamW(params, lr=lr, weight_decay=0.1 * decay)",
        experiment="Log the norms of the weights for 500 steps with both: they should "
        "settle",
    ),
)
