"""Small trainings for the recorder, each the same whenever it is made."""

import torch
from torch import nn


def mlp(*, depth=4, width=16, activation=nn.ReLU, extra=()):
    torch.manual_seed(0)
    layers = [
        layer
        for _ in range(depth)
        for layer in (
            nn.Linear(width, width),
            activation(),
            *(make() for make in extra),
        )
    ]
    return nn.Sequential(*layers, nn.Linear(width, 4))


class Reader(nn.Module):
    """A two-layer LSTM that answers at its last step."""

    def __init__(self, *, num_layers=2, batch_first=True, dropout=0.2):
        super().__init__()
        torch.manual_seed(0)
        self.lstm = nn.LSTM(
            16, 16, num_layers, batch_first=batch_first, dropout=dropout
        )
        self.head = nn.Linear(16, 4)

    def forward(self, x):
        states, _ = self.lstm(x)
        return self.head(states[:, -1] if self.lstm.batch_first else states[-1])


def batch(step, *, length=None):
    """Inputs and targets of one step, from a generator of their own."""
    generator = torch.Generator().manual_seed(step)
    shape = (8, 16) if length is None else (8, length, 16)
    x = torch.randn(shape, generator=generator)
    return x, torch.randint(0, 4, (8,), generator=generator)


def train(model, optimizer, *, num_steps=30, recorder=None, length=None, before=None):
    """A plain loop; gives the losses.

    `before` is called between backward pass and optimizer step.
    """
    torch.manual_seed(1)
    losses = []
    for step in range(num_steps):
        x, y = batch(step, length=length)
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        if recorder is not None:
            recorder.log(loss=loss)
        if before is not None:
            before(recorder)
        optimizer.step()
        losses.append(loss.item())
    return losses
