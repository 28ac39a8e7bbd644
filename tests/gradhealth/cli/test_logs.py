"""Logs and traces as files of `analyze` and `check`."""

import gzip
import json
import subprocess
import sys

import numpy as np
import pytest

from tests.support.logs import a_log, by_depth, falling

# As little as the clearest vanishing network has: sigmoids, ten times less a layer.
VANISHING = 0.1


@pytest.fixture
def lines(folder):
    """Writes one run as JSON lines."""

    def lines(name, *, factor=1.0, loss=None):
        chance = np.random.default_rng(0)
        norms = by_depth(chance, factor)
        losses = falling(chance) if loss is None else loss
        rows = [
            {"step": step, "loss": losses[step]}
            | {f"grad_norm/layers.{i}": norm for i, norm in enumerate(row)}
            for step, row in enumerate(norms)
        ]
        path = folder / f"{name}.jsonl"
        path.write_text("\n".join(map(json.dumps, rows)))
        return path.name

    return lines


@pytest.fixture
def history(folder):
    """Writes a table with a run that learns and one that breaks at step 100."""
    rows = ["step,loss,grad_norm,run"]
    for run, step in ((run, step) for run in ("good", "bad") for step in range(200)):
        loss = "nan" if run == "bad" and step >= 100 else 2.3 * 0.98**step
        rows.append(f"{step},{loss},{1 + 0.1 * (step % 3)},{run}")
    (folder / "history.csv").write_text("\n".join(rows))
    return "history.csv"


def names(out):
    document = json.loads(out)
    return [item["name"] for item in document.get("items", [document])]


def test_a_healthy_log_passes(run, lines):
    status, out, err = run("check", lines("fine"))

    assert status == 0
    assert "fine.jsonl: healthy" in out
    assert "the gate passed" in err


def test_a_log_whose_gradients_vanish_is_found(run, lines):
    name = lines("deep", factor=VANISHING)

    status, out, _ = run("check", name, "--fail-on", "warning")

    assert status == 1
    assert "deep.jsonl: warning - vanishing_gradient" in out
    assert "The order of the layers was read from their names" in out


def test_a_trace_is_read_as_one(run, folder):
    (folder / "trace.json").write_text(json.dumps(a_log().to_json()))

    status, out, _ = run("check", "trace.json")

    assert status == 0
    assert "trace.json: healthy" in out


def test_a_packed_log_is_unpacked(run, folder, lines):
    content = (folder / lines("fine")).read_bytes()
    (folder / "fine.jsonl.gz").write_bytes(gzip.compress(content))

    assert run("check", "fine.jsonl.gz")[0] == 0


def test_every_run_of_a_file_has_its_own_result(run, history):
    mapping = ("--map", "run:run")

    status, out, err = run("check", history, *mapping, "--format", "json")
    assert status == 1
    assert names(out) == ["history.csv: good", "history.csv: bad"]
    assert "(2 checked, 1 failed, 1 passed)" in err

    status, out, _ = run("analyze", history, *mapping)
    assert status == 0
    assert "history.csv: good: healthy" in out
    assert "history.csv: bad: critical - non_finite" in out


def test_specs_and_logs_are_checked_together(run, write, lines):
    write("critical")
    lines("critical")

    status, out, _ = run("check", "*.json*", "--format", "json")

    assert status == 1
    assert names(out) == ["critical.json", "critical.jsonl"]


def test_a_run_that_is_too_short_decides_nothing(run, lines, folder):
    (folder / "short.csv").write_text("step,loss\n1,2.0\n2,1.9\n")

    assert run("check", "short.csv")[0] == 3
    assert run("check", "short.csv", lines("fine"))[0] == 0


def test_names_and_formats_can_be_told(run, folder):
    rows = "\n".join(f"{step};{2.0 * 0.99**step}" for step in range(200))
    (folder / "own.txt").write_text(f"it;cost\n{rows}\n")

    status, out, _ = run(
        *("analyze", "own.txt", "--log-format", "csv"),
        *("--map", "step:it,loss:cost", "--format", "json"),
    )

    assert status == 0
    assert json.loads(out)["result"]["curves"]["loss"]["steps"][-1] == 199


def test_the_order_of_layers_can_be_told(run, folder):
    chance = np.random.default_rng(0)
    names = ["input", "output"]
    rows = [
        {"step": step, "loss": loss, "grad_norm/input": 1e-5, "grad_norm/output": 1.0}
        for step, loss in enumerate(falling(chance))
    ]
    (folder / "run.jsonl").write_text("\n".join(map(json.dumps, rows)))

    _, out, _ = run(
        *("analyze", "run.jsonl", "--layers", ",".join(names), "--format", "json")
    )

    assert [layer["path"] for layer in json.loads(out)["result"]["layers"]] == names


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--log-format", "jsonll"], "did you mean 'jsonl'"),
        (["--map", "loss:costs"], "the log has no 'costs'"),
        (["--map", "losss:cost"], "did you mean 'loss'"),
        (["--map", "cost"], "not like loss:train_loss"),
    ],
)
def test_a_wrong_word_about_a_log_is_64_and_says_what_is_known(
    run, lines, options, words
):
    status, out, _ = run("check", lines("fine"), *options)

    assert status == 64
    assert words in " ".join(out.split())


@pytest.mark.parametrize(
    ("text", "as_a_spec"),
    [
        ("", "not valid JSON"),
        ("not a spec, not a log", "not valid JSON"),
        ("[1]", "expected a JSON object"),
        ("{}", 'it has neither "spec_version" nor'),
        ('{"modell": []}', 'it has neither "spec_version" nor'),
    ],
)
def test_what_is_neither_is_64_and_both_reasons_are_told(run, folder, text, as_a_spec):
    (folder / "garbage.txt").write_text(text)

    status, out, _ = run("check", "garbage.txt")
    assert status == 64
    assert "garbage.txt is neither a usable spec nor a usable log" in out
    assert f"as a spec: {as_a_spec}" in out
    assert "as a log: " in out

    status, out, err = run("analyze", "garbage.txt")
    assert (status, out) == (64, "")
    assert f"as a spec: {as_a_spec}" in err


def test_a_broken_table_is_no_usable_log_and_nothing_is_said_of_specs(run, folder):
    (folder / "broken.csv").write_text("step,loss\n1,2\n2,x\n3,1\n")

    status, _, err = run("analyze", "broken.csv")

    assert status == 64
    assert "broken.csv is not a usable log:\n  line 3: 'loss' is 'x'" in err
    assert "spec" not in err


def test_a_folder_is_told_what_to_do_instead(run, folder):
    (folder / "logs").mkdir()

    status, _, err = run("analyze", "logs")
    assert status == 64
    assert "logs is a folder: name a file in it, or pack it" in err

    status, out, _ = run("check", "logs")
    assert status == 64
    assert "logs is a folder" in out


def test_layers_that_order_nothing_are_told(run, folder, history):
    status, out, _ = run("analyze", history, "--layers", "fc1,fc2")

    assert status == 0
    told = " ".join(out.split())
    assert "nothing was logged by layer: the layers 'fc1', 'fc2' are not used" in told


def test_what_is_longer_than_a_spec_may_be_is_read_as_a_log(run, folder, lines):
    padding = ("\n" + 1023 * " ") * 2**14 + "\n"
    content = (folder / lines("fine")).read_text()
    (folder / "long.jsonl").write_text(content + padding)
    (folder / "long.json").write_text('{"model": []}' + padding)

    assert run("check", "long.jsonl")[0] == 0
    status, out, _ = run("check", "long.json")
    assert status == 64
    assert "as a spec: larger than 16,777,216 bytes" in out


def test_the_policy_of_a_file_holds_for_its_runs(run, folder, history):
    (folder / "gradhealth.toml").write_text(
        '[[overrides]]\nfiles = ["history.csv"]\n'
        'levels = { non_finite = "info", stalled_training = "info" }\n'
    )

    status, out, _ = run("check", history, "--map", "run:run")

    assert status == 0
    assert "by the policy" in out


def test_thresholds_of_the_policy_reach_the_detectors_of_logs(run, folder, lines):
    name = lines("deep", factor=0.5)
    assert "vanishing_gradient" not in run("check", name)[1]
    (folder / "strict.toml").write_text(
        '[[overrides]]\nfiles = ["deep*"]\n'
        "thresholds.vanishing_gradient = { factor = 0.7, total = -1.0 }\n"
    )

    out = run("check", name, "--policy", "strict.toml")[1]

    assert "threshold 0.7" in out


def test_only_what_got_worse_fails_by_run(run, history, folder):
    mapping = ("--map", "run:run")
    run("baseline", "update", history, *mapping, "-o", "base.json")

    assert run("check", history, *mapping, "--baseline", "base.json")[0] == 0

    text = (
        (folder / history).read_text().replace(",good", ",x").replace(",bad", ",good")
    )
    (folder / history).write_text(text)
    status, out, _ = run("check", history, *mapping, "--baseline", "base.json")
    assert status == 1
    assert "worse: non_finite" in out


def test_a_baseline_of_the_whole_file_holds_for_each_of_its_runs(run, history, folder):
    text = (folder / history).read_text()
    (folder / history).write_text(text.replace(",bad", ",good"))
    run("baseline", "update", history, "--map", "run:run", "-o", "base.json")
    (folder / history).write_text(text)

    command = ("check", history, "--map", "run:run", "--baseline", "base.json")
    status, out, _ = run(*command)

    assert "nothing to compare with" not in out
    assert status == 0


def test_reports_tell_the_runs_of_a_file_apart(run, history):
    command = ("check", history, "--map", "run:run", "--format")

    sarif = json.loads(run(*command, "sarif")[1])["runs"][0]
    assert [each["location"]["uri"] for each in sarif["artifacts"]] == ["history.csv"]
    assert all("Run bad: " in each["message"]["text"] for each in sarif["results"])
    marks = [each["partialFingerprints"]["gradhealth/v1"] for each in sarif["results"]]
    assert len({*marks}) == len(marks)

    junit = run(*command, "junit")[1]
    assert 'classname="history.csv: good"' in junit
    assert 'classname="history.csv: bad"' in junit
    assert "Run bad: " in run(*command, "gitlab")[1]
    assert "::error file=history.csv,line=1" in run(*command, "github")[1]
    assert "history.csv: bad" in run(*command, "markdown")[1]
    assert "history.csv: bad" in run(*command, "html")[1]


def test_runs_of_one_name_are_numbered(run, folder):
    trace = a_log().to_json()
    (folder / "traces.json").write_text(json.dumps([trace, trace]))

    _, out, _ = run("check", "traces.json", "--format", "json")

    assert names(out) == ["traces.json: a log", "traces.json: a log (2)"]


def test_logs_are_judged_where_torch_is_not(lines):
    name = lines("fine")
    program = (
        "import sys; sys.modules['torch'] = None\n"
        "from gradhealth.cli import main\n"
        f"main(['check', {name!r}])"
    )

    done = subprocess.run([sys.executable, "-c", program], check=False)

    assert done.returncode == 0


def test_what_has_no_result_is_named_by_its_file(run, folder):
    status, out, _ = run("check", "missing.csv", "--format", "json")

    assert status == 64
    assert names(out) == ["missing.csv"]
    assert "No such file" in out
