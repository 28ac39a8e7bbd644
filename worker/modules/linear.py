"""Multiplication by a number."""

import torch
from torch import Tensor, nn


class Scale(nn.Module):
    """y = scale * x."""

    scale: float | nn.Parameter

    def __init__(self, *, value: float, learn: bool) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(value)) if learn else value

    def forward(self, x: Tensor) -> Tensor:
        return self.scale * x
