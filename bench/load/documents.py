"""Documents that are right, to be broken: one of each kind that is read."""

import json

RUN = {
    "name": "a run",
    "layers": [{"path": "a", "type": "Linear"}, {"path": "b"}],
    "config": {"trivial_loss": 2.3},
}
BATCH = {
    "sequence": 0,
    "steps": [0, 1, 2],
    "series": {"loss": [2.3, "NaN", None]},
    "layer_series": {"grad_norm": [[0.1, 1.2], [0.2, "Infinity"], [None, 1.0]]},
}
TRACE = {
    "trace_version": 1,
    "run": "mine",
    "layers": [{"path": "a", "type": "Linear"}, {"path": "b", "type": "ReLU"}],
    "context": {"source_format": "recorder", "clip_measured": "post"},
    "steps": list(range(12)),
    "series": {"loss": [2.0 / (step + 1) for step in range(12)]},
    "layer_series": {"grad_norm": [[1.0, 0.5]] * 12},
}
LINEAR = {"type": "Linear", "out_features": 4}
SPECS = [
    {
        "spec_version": 1,
        "name": "nested",
        "define": {
            "block": {
                "params": {"w": 8, "act": "ReLU"},
                "body": [
                    {"type": "Linear", "out_features": "$w"},
                    {"type": "$act"},
                ],
            }
        },
        "data": {"task": "clusters", "noise": 0.5},
        "model": [
            {"repeat": 3, "body": [{"ref": "block", "args": {"w": 5}}]},
            {"type": "Residual", "body": [LINEAR, {"type": "LayerNorm"}]},
            LINEAR,
        ],
        "training": {"steps": 20, "optimizer": {"type": "Adam", "lr": 0.001}},
        "probe": {"seeds": [0, 1]},
    },
    {
        "data": {"task": "images", "channels": 3, "size": 8},
        "model": [
            {"type": "Conv2d", "out_channels": 4, "kernel_size": 3, "padding": "same"},
            {"type": "BatchNorm2d"},
            {"type": "MaxPool2d", "kernel_size": 2},
            {"type": "Flatten"},
            LINEAR,
        ],
    },
]
POLICY = b"""fail_on = "warning"

[levels]
vanishing_gradient = "critical"

[thresholds.vanishing_gradient]
gain = -4.0

[[overrides]]
files = ["experiments/**"]
levels = { dead_relu = "off" }

[[ignore]]
files = ["old/*.json"]
problem = "dead_relu"
until = 2027-01-01
reason = "to be retired"
"""
_ROWS = [{"step": n, "loss": 2.0 / (n + 1), "grad_norm": 1.0} for n in range(12)]
_STATE = {"log_history": [{"epoch": 0.1 * n, **row} for n, row in enumerate(_ROWS)]}
_WANDB = [{"_step": n, "train/loss": 1.0 / (n + 1), "_runtime": n} for n in range(12)]
_RECORDING = [
    {key: TRACE[key] for key in ("trace_version", "run", "layers", "context")},
    BATCH,
]
_RANK = "[2024-04-04 09:10:13,619] [INFO] [logging.py:96:log_dist] [Rank 0] "
_OLMO = "2024-06-01 00:00:00.000\thost:0\tolmo.train:968\tINFO\t"
_MMENGINE = "07/03 13:04:17 - mmengine - INFO - Epoch(train)  [1][ 10/20]  lr: 3e-04  "


def _lines(rows):
    return "\n".join(json.dumps(row) for row in rows).encode()


LOGS = {
    "jsonl": _lines(_ROWS),
    "json": json.dumps(TRACE).encode(),
    "huggingface": json.dumps(_STATE).encode(),
    "wandb": _lines(_WANDB),
    "recording": _lines(_RECORDING),
    "csv": b"step,loss,grad_norm/a,grad_norm/b\n0,2,1,1\n1,1.5,,NaN\n2,1,1,inf\n",
    "keras": b"epoch,accuracy,loss,val_loss\n0,0.5,1.0,1.1\n1,0.6,nan,NA\n",
    "lightning": b"epoch,lr-SGD,step,train_loss_step,val_loss\n0,,9,2.0,\n0,,19,,1.7\n",
    "mlflow": b"1795698578942 2.5 0\n1795698578943 NaN 1\n1795698578944 1e-3 2\n",
    "deepspeed": (
        f"{_RANK}step=10, skipped=1, lr=[0.0003, 0.0003], mom=[(0.9, 0.999)]\n"
        "steps: 10 loss: 7.5 iter time (s): 0.5 samples/sec: 16.0\n"
    ).encode(),
    "olmo": (
        f"{_OLMO}[step=10/739328,epoch=0]\n    optim/total_grad_norm=5.4\n"
        "    train/CrossEntropyLoss=11.20\n"
    ).encode(),
    "mmengine": f"{_MMENGINE}grad_norm: nan  loss: 6.1887\n".encode(),
    "megatron": (
        b" iteration       10/      50 | consumed samples: 10 | elapsed time per "
        b"iteration (ms): 19987.6 | learning rate: 1.234E-04 | lm loss: 1.17E+01 | "
        b"loss scale: 65536.0 | grad norm: 0.493 | number of skipped iterations: 0 |\n"
    ),
    # The first record of an event file: length, its checksum, data, its checksum.
    "tensorboard": (
        b'\x18\0\0\0\0\0\0\0\xa3\x7fK"\t\0\0\xc0\x1a\xb8\x9d\xd9A\x1a\rbrain.Event:2'
        b"\xec\xa0/\x85"
    ),
}
