import numpy as np

from gradhealth.diagnosis import diagnose
from gradhealth.results import assemble
from gradhealth.schemas.analysis import Environment
from tests.support.traces import traces


def test_a_ratio_to_weights_that_are_zero_has_no_spread():
    runs = traces(update_ratio=np.full(6, np.inf))

    result = assemble(diagnose(runs), runs, environment=Environment())

    start = result.layers[0].update_ratio.start
    assert (start.mean, start.spread) == (np.inf, None)
