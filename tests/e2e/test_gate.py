"""The gate with a service: labels, baselines by branch and by id, the badge."""

import json

import httpx
import pytest

from gradhealth.cli import main
from gradhealth.client import Client
from tests.support.pipelines import CLASSIFIER, shell
from tests.support.products import running_product

MAIN = {"CIRCLECI": "true", "CIRCLE_BRANCH": "main", "CIRCLE_SHA1": "one"}
TOPIC = {"CIRCLECI": "true", "CIRCLE_BRANCH": "topic", "CIRCLE_SHA1": "two"}
SICK = CLASSIFIER.replace("classifier", "critical")
# One layer more, which is worse for the analysis that stands in for the real one.
WORSE = SICK.replace('"model": [', '"model": [{"type": "ReLU"},')


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    quick = {
        "GRADHEALTH_ANALYSIS_MODULE": "tests.support.quick_analysis",
        "GRADHEALTH_UNITS_MODULE": "tests.support.faulty_units",
    }
    with running_product(tmp_path_factory.mktemp("data"), **quick) as product:
        yield product.url


@pytest.fixture
def check(tmp_path, url, monkeypatch, capfd):
    """Runs the gate on one file: its exit status, and all it printed."""
    monkeypatch.chdir(tmp_path)

    def check(text, environment, project, *options):
        (tmp_path / "net.json").write_text(text)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as exit_:
            main(["check", "net.json", "--server", url, "--project", project, *options])
        return exit_.value.code or 0, "".join(capfd.readouterr())

    return check


def test_a_branch_is_a_baseline_of_what_it_had_before(check, url):
    assert check(SICK, MAIN, "branches", "--baseline=main")[0] == 0
    assert check(SICK, TOPIC, "branches", "--baseline=main")[0] == 0
    status, out = check(WORSE, TOPIC, "branches", "--baseline=main")
    assert status == 1
    assert "worse: vanishing_gradient" in out

    with Client(url) as client:
        [newest, *_] = client.page(project="branches").items
    assert newest.labels == {
        "ci": "circleci",
        "branch": "topic",
        "commit": "two",
        "file": "net.json",
    }


def test_runs_of_a_log_are_compared_with_those_of_the_branch(
    tmp_path, url, monkeypatch, capfd
):
    monkeypatch.chdir(tmp_path)
    command = ["check", "log.csv", "--map", "run:run", "--baseline", "main"]
    command += ["--server", url, "--project", "logs"]

    def check(environment, **breaks):
        rows = [
            f"{run},{step},{'nan' if step >= breaks.get(run, 200) else 0.98**step}"
            for run in ("a", "b")
            for step in range(200)
        ]
        (tmp_path / "log.csv").write_text("\n".join(["run,step,loss", *rows]))
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as exit_:
            main(command)
        return exit_.value.code or 0, "".join(capfd.readouterr())

    assert check(MAIN, a=100)[0] == 0
    assert check(TOPIC, a=100)[0] == 0
    status, out = check(TOPIC, a=100, b=100)
    assert status == 1
    assert "log.csv: b: critical - non_finite" in out
    assert out.count("worse: non_finite") == 1
    with Client(url) as client:
        labels = [each.labels for each in client.page(project="logs", limit=2).items]
    assert {each["run"] for each in labels} == {"a", "b"}
    assert {each["file"] for each in labels} == {"log.csv"}


def test_a_log_that_cannot_be_read_is_64_with_a_service_too(check):
    status, out = check("no log", {}, "logs")

    assert status == 64
    assert "as a log: no log in a known format" in out


def test_thresholds_for_logs_go_to_the_service(check, tmp_path):
    rows = (
        {"step": n, "loss": 0.99**n, **{f"grad_norm/l.{i}": 2.0**i for i in range(6)}}
        for n in range(200)
    )
    log = "\n".join(map(json.dumps, rows))
    assert "vanishing_gradient" not in check(log, MAIN, "thresholds")[1]
    (tmp_path / "gradhealth.toml").write_text(
        "thresholds.vanishing_gradient = { factor = 0.7, total = -1.0 }"
    )

    assert "threshold 0.7" in check(log, MAIN, "thresholds")[1]


def test_without_results_of_the_branch_it_passes_with_a_note(check):
    status, out = check(SICK, TOPIC, "empty", "--baseline=feature/a.b")

    assert status == 0
    assert "no baseline feature/a.b" in out


def test_an_analysis_is_a_baseline_by_its_id(check, url):
    check(SICK, MAIN, "ids")
    with Client(url) as client:
        [analysis] = client.page(project="ids").items

    assert check(SICK, TOPIC, "ids", f"--baseline={analysis.id}")[0] == 0
    assert check(WORSE, TOPIC, "ids", f"--baseline={analysis.id}")[0] == 1


def test_the_badge_says_what_the_gate_sent(check, url):
    check(SICK, MAIN, "badges")

    answer = httpx.get(f"{url}/v1/projects/badges/badge.json", trust_env=False)

    assert json.loads(answer.text)["message"] == "critical"


def test_a_baseline_that_cannot_be_asked_for_leaves_it_undecided(tmp_path):
    (tmp_path / "net.json").write_text(CLASSIFIER)
    command = "gradhealth check net.json --baseline main --server http://127.0.0.1:9"

    assert shell(command, tmp_path).returncode == 2


def test_the_same_network_gives_the_same_bytes_but_for_times(tmp_path):
    spec = json.loads(CLASSIFIER)
    spec["training"]["steps"], spec["probe"] = 20, {"seeds": [0, 1], "samples": 16}
    (tmp_path / "net.json").write_text(json.dumps(spec))
    formats = ("json", "markdown", "sarif", "junit", "gitlab", "github")
    pairs = " ".join(f"-o {name}={name}" for name in formats)
    command = f"gradhealth check net.json --fail-on never {pairs}"
    real = {
        "GRADHEALTH_ANALYSIS_MODULE": "worker.analysis",
        "GRADHEALTH_UNITS_MODULE": "worker.units",
    }

    def run():
        done = shell(command, tmp_path, real)
        assert done.returncode == 0, done.stderr
        written = {name: (tmp_path / name).read_text() for name in formats}
        result = json.loads(written["json"])
        del result["result"]["environment"]["durations"]
        return written | {"json": json.dumps(result)}

    assert run() == run()
