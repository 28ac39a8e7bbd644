"""The networks whose training is recorded, with a batch each."""

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class Case:
    """A network and a batch of inputs.

    Targets are drawn for each step: a network that has learned its batch by heart has
    gradients whose squares are subnormal numbers, which processors handle ten times
    slower. `rounds` of 50 steps are timed.
    """

    name: str
    model: nn.Module
    x: Tensor
    rounds: int

    def loss(self):
        output = self.model(self.x).flatten(0, -2)
        return functional.cross_entropy(
            output, torch.randint(output.shape[1], output.shape[:1])
        )


def mlp(batch_size, rounds):
    layers = [m for _ in range(30) for m in (nn.Linear(256, 256), nn.Tanh())]
    model = nn.Sequential(*layers, nn.Linear(256, 10))
    x = torch.randn(batch_size, 256)
    return Case(f"MLP 30x256, batch {batch_size}", model, x, rounds)


class BasicBlock(nn.Module):
    def __init__(self, before, after, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.relu = nn.ReLU(inplace=True)
        self.stride, self.padding = stride, after - before

    def forward(self, x):
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        shortcut = x[:, :, :: self.stride, :: self.stride]
        shortcut = functional.pad(shortcut, (0, 0, 0, 0, 0, self.padding))
        return self.relu(y + shortcut)


def resnet20(rounds):
    widths = [16] * 3 + [32] * 3 + [64] * 3
    blocks = [
        BasicBlock(before, after, 1 if before == after else 2)
        for before, after in zip([16, *widths], widths, strict=False)
    ]
    stem = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()
    head = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)
    model = nn.Sequential(*stem, *blocks, *head)
    return Case("ResNet-20, batch 16", model, torch.randn(16, 3, 32, 32), rounds)


class Block(nn.Module):
    def __init__(self, width, num_heads):
        super().__init__()
        self.num_heads = num_heads
        self.ln1, self.ln2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        q, k, v = (
            part.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
            for part in self.qkv(self.ln1(x)).chunk(3, -1)
        )
        heads = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(heads.transpose(1, 2).flatten(2))
        return x + self.down(functional.gelu(self.up(self.ln2(x))))


class GPT(nn.Module):
    def __init__(self, vocab_size=1000, width=256, num_blocks=6, length=128):
        super().__init__()
        self.tokens = nn.Embedding(vocab_size, width)
        self.positions = nn.Embedding(length, width)
        self.blocks = nn.Sequential(*(Block(width, 8) for _ in range(num_blocks)))
        self.ln, self.head = nn.LayerNorm(width), nn.Linear(width, vocab_size)

    def forward(self, x):
        positions = self.positions.weight[: x.shape[1]]
        return self.head(self.ln(self.blocks(self.tokens(x) + positions)))


def gpt(rounds):
    tokens = torch.randint(1000, (2, 128))
    return Case("GPT 6x256, 2x128 tokens", GPT(), tokens, rounds)


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(64, 128, batch_first=True)
        self.head = nn.Linear(128, 10)

    def forward(self, x):
        return self.head(self.lstm(x)[0][:, -1])


def lstm(rounds):
    x = torch.randn(32, 100, 64)
    return Case("LSTM 128, 100 steps, batch 32", Reader(), x, rounds)


CASES = {
    "mlp64": partial(mlp, 64, 6),
    "mlp512": partial(mlp, 512, 3),
    "resnet": partial(resnet20, 3),
    "gpt": partial(gpt, 2),
    "lstm": partial(lstm, 4),
}
