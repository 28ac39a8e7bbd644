import json

from gradhealth.ingest import read_log

HEAD = "2024-06-01 00:00:00.000\thost:0\tolmo.train:968\tINFO\t"


def read(text):
    (trace,) = read_log(text.encode(), filename="train.log")
    assert trace.context.source_format == "olmo"
    return trace


def test_metrics_below_their_step():
    trace = read(
        f"{HEAD}Loading checkpoint...\n"
        f"{HEAD}[step=10/739328,epoch=0]\n"
        "    optim/total_grad_norm=5.4\n"
        "    train/CrossEntropyLoss=11.20\n"
        "    throughput/total_tokens=41,943,040\n"
        f"{HEAD}[step=11/739328,epoch=0]\n"
        "    optim/total_grad_norm=nan\n"
        "    train/CrossEntropyLoss=1.1e+01\n"
        f"{HEAD}Saving checkpoint=yes\n"
    )

    assert trace.steps.tolist() == [10, 11]
    assert trace.series["loss"].tolist() == [11.2, 11.0]
    assert str(trace.series["grad_norm"].tolist()) == "[5.4, nan]"


def test_the_names_of_olmo_core():
    trace = read(
        "[step=1/5000,epoch=1,eta=1 day, 2:00:00]\n"
        "    optim/LR (group 0)=0.0004\n"
        "    optim/total grad norm=1.25\n"
        "    train/CE loss=10.5\n"
    )

    assert trace.series["lr"].tolist() == [0.0004]
    assert trace.series["grad_norm"].tolist() == [1.25]
    assert trace.series["loss"].tolist() == [10.5]


def test_colours_are_no_part_of_a_line():
    trace = read(
        "\x1b[36m[rank=0] [step=1/30]\x1b[0m\n    train/CrossEntropyLoss=1.5\n"
        "    train/Perplexity=76,631\n"
    )

    assert trace.series["loss"].tolist() == [1.5]
    assert trace.series["train/Perplexity"].tolist() == [76631]


def test_its_norms_of_layers_are_in_its_history():
    names = [f"optim/grad/transformer.blocks.{n}.ff_out.weight" for n in (0, 1, 2)]
    norms = {f"{name}.norm": 2.0 for name in names}
    others = {f"{name}.{what}": -7.0 for name in names for what in ("min", "avg")}
    row = {"_step": 0, "_runtime": 1, "train/CrossEntropyLoss": 3.0, **others, **norms}

    (trace,) = read_log("\n".join(json.dumps(row) for _ in range(2)).encode())

    assert [layer.path for layer in trace.layers] == [
        f"transformer.blocks.{n}.ff_out.weight" for n in (0, 1, 2)
    ]
    assert trace.layer_series["grad_norm"][0].tolist() == [2.0] * 3
