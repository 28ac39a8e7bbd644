import pytest
import torch
from torch import nn

from worker.modules import recurrent


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_last_is_the_output_at_the_last_time_step(kind: str, bidirectional):
    options = {"input_size": 3, "hidden_size": 4, "num_layers": 2}
    options |= {"bidirectional": bidirectional, "batch_first": True}
    torchs = getattr(nn, kind)(**options)
    last = getattr(recurrent, kind)(**options, dropout=0.0, returns="last")
    sequence = getattr(recurrent, kind)(**options, dropout=0.0, returns="sequence")
    for module in (last, sequence):
        module.load_state_dict(torchs.state_dict())
    x = torch.randn(2, 6, 3)

    expected, _ = torchs(x)

    assert torch.equal(sequence(x), expected)
    assert torch.equal(last(x), expected[:, -1])
