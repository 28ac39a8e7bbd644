import numpy as np

from gradhealth.batches.batch import Batch
from gradhealth.batches.keeping import KeptBatches


def batch(first, *, num_steps=50, num_layers=10, sampled=()):
    steps = np.arange(first, first + num_steps)
    weights = np.ma.masked_all((num_steps, num_layers))
    weights[np.isin(steps, sampled)] = 1.0
    return Batch(
        first // num_steps,
        steps,
        {"loss": np.ma.masked_array(1.0 / (1 + steps))},
        {
            "grad_norm": np.ma.masked_array(np.ones((num_steps, num_layers))),
            "weight_norm": weights,
        },
    )


def filled(max_values, num_batches=8):
    history = KeptBatches(max_values)
    for number in range(num_batches):
        history.add(batch(50 * number, sampled=[50 * number]))
    return history


def test_a_short_run_is_kept_whole():
    history = filled(max_values=10**6)

    assert history.merged().steps.tolist() == list(range(400))
    assert not history.is_thinned


def test_a_long_run_keeps_its_whole_length_and_every_sampled_step():
    history = filled(max_values=4000)

    whole = history.merged()
    assert history.is_thinned
    assert whole.steps[0] == 0
    assert whole.steps[-1] >= 398
    known = ~np.ma.getmaskarray(whole.layer_series["weight_norm"]).all(axis=1)
    assert whole.steps[known].tolist() == list(range(0, 400, 50))


def test_memory_stays_bounded_however_long_the_run():
    history = filled(max_values=4000, num_batches=200)

    whole = history.merged()
    sizes = [x.size for x in [*whole.series.values(), *whole.layer_series.values()]]
    assert sum(sizes) <= 4000 + 50 * 21


def test_a_series_that_one_batch_lacks_has_a_gap():
    history = KeptBatches()
    first, second = batch(0), batch(50)
    del second.series["loss"]
    history.add(first)
    history.add(second)

    loss = history.merged().series["loss"]
    assert loss.mask.tolist() == [False] * 50 + [True] * 50
