"""Writes small logs with the libraries that people use: run by `tests/samples/make`.

Every library logs the same small training; what the gradients' norms were is written
beside, by torch itself.
"""

import contextlib
import gzip
import json
import os
import shutil
import struct
import tarfile
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

os.environ |= {
    "KERAS_BACKEND": "torch",
    "MLFLOW_ALLOW_FILE_STORE": "true",
    "WANDB_MODE": "offline",
    "WANDB_SILENT": "true",
    "TOKENIZERS_PARALLELISM": "false",
}

import keras
import lightning
import mlflow
import numpy as np
import torch
import transformers
import wandb
from lightning.pytorch.utilities import grad_norm
from mlflow.server import app
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.plugins.histogram import summary_v2 as histogram
from tensorboard.plugins.scalar import summary_v2 as scalar
from tensorboard.summary.writer.event_file_writer import EventFileWriter
from torch import nn
from torch.utils.tensorboard import SummaryWriter
from wandb.proto import wandb_internal_pb2

HERE = Path(__file__).parent
STEPS, BATCH, SIZE = 20, 16, 8
BLOCK, HEADER = 2**15, struct.Struct("<IHB")
LIBRARIES = (
    "torch", "tensorboard", "wandb", "lightning", "transformers", "mlflow", "keras",
)  # fmt: skip


class Network(nn.Module):
    """Three layers, of which the order by name is not the order by depth."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Linear(SIZE, 6)
        self.body = nn.Linear(6, 6)
        self.head = nn.Linear(6, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(torch.tanh(self.body(torch.tanh(self.stem(x)))))


class Step:
    """What one step of the training showed."""

    def __init__(self, number: int, loss: float, network: Network) -> None:
        self.number = number
        self.loss = loss
        self.gradients = {
            name: p.grad.clone() for name, p in network.named_parameters()
        }
        self.norms = {n: float(g.double().norm()) for n, g in self.gradients.items()}
        self.total = float(torch.tensor([*self.norms.values()]).norm())


def batches() -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    chance = torch.Generator().manual_seed(0)
    for _ in range(STEPS):
        x = torch.randn(BATCH, SIZE, generator=chance)
        yield x, x[:, :1] * x[:, 1:2]


def network() -> Network:
    torch.manual_seed(0)
    return Network()


def training() -> Iterator[Step]:
    net = network()
    optimizer = torch.optim.SGD(net.parameters(), 0.1)
    for number, (x, y) in enumerate(batches()):
        optimizer.zero_grad()
        loss = ((net(x) - y) ** 2).mean()
        loss.backward()
        yield Step(number, float(loss), net)
        optimizer.step()


def tensorboard_of_torch(folder: Path) -> None:
    with SummaryWriter(str(folder / "run")) as writer:
        for step in training():
            writer.add_scalar("train/loss", step.loss, step.number)
            for name, gradient in step.gradients.items():
                if name.endswith("weight"):
                    tag = f"gradients/{name}"
                    writer.add_histogram(tag, gradient, step.number, bins="auto")
        writer.add_text("note", "words are passed over")
    (file,) = (folder / "run").iterdir()
    shutil.move(file, HERE / "torch.tfevents")


def tensorboard_of_tensorflow(folder: Path) -> None:
    writer = EventFileWriter(str(folder / "tf"))
    for step in training():
        summaries = [scalar.scalar_pb("epoch_loss", step.loss)]
        summaries += [
            histogram.histogram_pb(f"gradients/{name}", gradient.numpy())
            for name, gradient in step.gradients.items()
            if name.endswith("weight")
        ]
        for summary in summaries:
            writer.add_event(Event(step=step.number, summary=summary))
    writer.close()
    (file,) = (folder / "tf").iterdir()
    shutil.move(file, HERE / "tensorflow.tfevents")


def wandb_offline(folder: Path) -> None:
    """The file of an offline run, and its rows as its history is downloaded."""
    settings = wandb.Settings(
        console="off",
        disable_code=True,
        disable_git=True,
        x_disable_meta=True,
        x_disable_machine_info=True,
        x_disable_stats=True,
    )
    run = wandb.init(project="samples", dir=folder, settings=settings)
    for step in training():
        gradients = {
            f"gradients/{name}": wandb.Histogram(gradient.numpy(), num_bins=32)
            for name, gradient in step.gradients.items()
            if name.endswith("weight") and step.number % 4 == 0
        }
        broken = float("nan") if step.number == STEPS - 1 else step.loss
        run.log({"train/loss": broken, "train/grad_norm": step.total, **gradients})
    run.finish()
    # Only now is the last block on the disk.
    wandb.teardown()
    (file,) = folder.glob("wandb/offline-run-*/*.wandb")
    # What is downloaded has gaps where a number is NaN, which alone is not itself.
    rows = [
        json.dumps({name: cell for name, cell in row.items() if cell == cell})  # noqa: PLR0124
        for row in _history(file)
    ]
    (HERE / "wandb.jsonl").write_text("\n".join(rows) + "\n")
    shutil.move(file, HERE / "run.wandb")


def _history(file: Path) -> Iterator[dict[str, object]]:
    for data in _records(file.read_bytes()):
        record = wandb_internal_pb2.Record()
        record.ParseFromString(data)
        if record.HasField("history"):
            row: dict[str, object] = {}
            for item in record.history.item:
                *outer, last = item.nested_key or [item.key]
                inside = row
                for key in outer:
                    inside = inside.setdefault(key, {})
                inside[last] = json.loads(item.value_json)
            yield row


def _records(content: bytes) -> Iterator[bytes]:
    """The records of a log as LevelDB writes it, behind wandb's own 7 bytes."""
    place, parts = 7, b""
    while place < len(content):
        left = BLOCK - place % BLOCK
        if left < HEADER.size:
            place += left
            continue
        _, size, kind = HEADER.unpack_from(content, place)
        place += HEADER.size + size
        parts += content[place - size : place]
        # Whole, or the last of several.
        if kind in (1, 4):
            yield parts
            parts = b""


class Module(lightning.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.net = network()

    def training_step(self, batch, _):
        x, y = batch
        loss = ((self.net(x) - y) ** 2).mean()
        self.log("train_loss", loss, on_step=True, on_epoch=True)
        return loss

    def validation_step(self, batch, _):
        x, y = batch
        self.log("val_loss", ((self.net(x) - y) ** 2).mean())

    def on_before_optimizer_step(self, _):
        self.log_dict(grad_norm(self.net, norm_type=2))

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)


def lightning_csv(folder: Path) -> None:
    data = torch.utils.data.DataLoader([*batches()], batch_size=None)
    logger = lightning.pytorch.loggers.CSVLogger(folder)
    trainer = lightning.Trainer(
        max_epochs=2,
        logger=logger,
        log_every_n_steps=2,
        accelerator="cpu",
        enable_progress_bar=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        callbacks=[lightning.pytorch.callbacks.LearningRateMonitor()],
    )
    trainer.fit(Module(), data, data)
    (file,) = folder.rglob("metrics.csv")
    shutil.move(file, HERE / "lightning.csv")


class Answer(nn.Module):
    """What the Trainer wants: a dictionary with the loss."""

    def __init__(self) -> None:
        super().__init__()
        self.net = network()

    def forward(self, x, labels):
        return {"loss": ((self.net(x) - labels) ** 2).mean()}


def transformers_state(folder: Path) -> None:
    pairs = (pair for xs, ys in batches() for pair in zip(xs, ys, strict=True))
    data = [{"x": x, "labels": y} for x, y in pairs]
    arguments = transformers.TrainingArguments(
        output_dir=str(folder / "hf"),
        per_device_train_batch_size=BATCH,
        logging_steps=2,
        num_train_epochs=2,
        eval_strategy="epoch",
        learning_rate=0.01,
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
        save_strategy="no",
    )
    trainer = transformers.Trainer(
        Answer(), arguments, train_dataset=data, eval_dataset=data[:BATCH]
    )
    console = (HERE / "huggingface.log").open("w")
    with console, contextlib.redirect_stdout(console):
        trainer.train()
    trainer.state.save_to_json(str(HERE / "trainer_state.json"))


def mlflow_run(address: str) -> str:
    mlflow.set_tracking_uri(address)
    with mlflow.start_run() as run:
        for step in training():
            metrics = {f"grad_norm/{name}": norm for name, norm in step.norms.items()}
            broken = float("nan") if step.number == STEPS - 1 else step.loss
            mlflow.log_metrics({"train/loss": broken, **metrics}, step=step.number)
    return run.info.run_id


def mlflow_database(folder: Path) -> None:
    # It writes down where it was made.
    with contextlib.chdir(folder):
        mlflow_run(f"sqlite:///{folder / 'mlflow.db'}")
    with gzip.open(HERE / "mlflow.db.gz", "wb") as packed:
        packed.write((folder / "mlflow.db").read_bytes())


def mlflow_files(folder: Path) -> None:
    run = mlflow_run((folder / "mlruns").as_uri())
    with tarfile.open(HERE / "mlruns.tar.gz", "w:gz") as archive:
        archive.add(folder / "mlruns/0", "mlruns/0")
    os.environ["_MLFLOW_SERVER_FILE_STORE"] = str(folder / "mlruns")
    answer = app.test_client().get(
        "/api/2.0/mlflow/metrics/get-history",
        query_string={"run_id": run, "metric_key": "train/loss"},
        headers={"Host": "localhost"},
    )
    (HERE / "mlflow.json").write_bytes(answer.data)


def keras_csv(folder: Path) -> None:
    keras.utils.set_random_seed(0)
    x = np.concatenate([x.numpy() for x, _ in batches()])
    y = np.concatenate([y.numpy() for _, y in batches()])
    layers = [keras.layers.Dense(6, "tanh"), keras.layers.Dense(1)]
    model = keras.Sequential(layers)
    model.compile("sgd", "mse", metrics=["mae"])
    logger = keras.callbacks.CSVLogger(str(HERE / "keras.csv"))
    model.fit(x, y, epochs=5, verbose=0, validation_data=(x, y), callbacks=[logger])


def main() -> None:
    """Writes every sample, the truth and the versions."""
    writers = (
        tensorboard_of_torch, tensorboard_of_tensorflow, wandb_offline, lightning_csv,
        transformers_state, mlflow_files, mlflow_database, keras_csv,
    )  # fmt: skip
    for write in writers:
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder))
    steps = [*training()]
    truth = {
        "loss": [step.loss for step in steps],
        "norms": {name: [s.norms[name] for s in steps] for name in steps[0].norms},
    }
    versions = {name: version(name) for name in LIBRARIES}
    for name, document in (("truth.json", truth), ("versions.json", versions)):
        (HERE / name).write_text(json.dumps(document, indent=1) + "\n")


main()
