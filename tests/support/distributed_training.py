"""One process of a data-parallel training: RANK FOLDER [every-rank]."""

import json
import sys
from pathlib import Path

import torch
from torch import distributed, nn

from gradhealth.recorder import Recorder
from tests.support.trainings import batch, mlp

STEPS = 12


def main(rank, folder, *, every_rank):
    torch.set_num_threads(1)
    store = distributed.FileStore(str(folder / "rendezvous"), 2)
    distributed.init_process_group("gloo", store=store, rank=rank, world_size=2)
    model = nn.parallel.DistributedDataParallel(mlp())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    norms = []
    to = folder / "trace.jsonl"
    with Recorder(
        model, optimizer, to=to, every_rank=every_rank, budget=None
    ) as recorder:
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
    weights = [p.sum().item() for p in model.parameters()]
    report = {"norms": norms, "weights": weights, "notes": recorder.notes}
    (folder / f"report.{rank}.json").write_text(json.dumps(report))
    distributed.destroy_process_group()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), every_rank="every-rank" in sys.argv)
