"""One process of a data-parallel training: RANK FOLDER."""

import json
import sys
from pathlib import Path

import torch
from torch import distributed, nn

from gradhealth.recorder import Recorder
from tests.support.trainings import batch, mlp

STEPS = 12


def train(rank, **how):
    """Trains under a recorder; gives gradient norms and weights."""
    model = nn.parallel.DistributedDataParallel(mlp())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    norms = []
    with Recorder(model, optimizer, budget=None, **how) as recorder:
        for step in range(STEPS):
            # Each process has samples of its own.
            x, y = batch(2 * step + rank)
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            recorder.log(loss=loss)
            parts = [p.grad.flatten() for p in model.parameters()]
            norms.append(torch.cat(parts).norm().item())
            optimizer.step()
    return {"norms": norms, "weights": [p.sum().item() for p in model.parameters()]}


def main(rank, folder):
    torch.set_num_threads(1)
    store = distributed.FileStore(str(folder / "rendezvous"), 2)
    distributed.init_process_group("gloo", store=store, rank=rank, world_size=2)
    report = train(rank, to=folder / "trace.jsonl")
    train(rank, to=folder / "each.jsonl", every_rank=True)
    (folder / f"report.{rank}.json").write_text(json.dumps(report))
    distributed.destroy_process_group()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
