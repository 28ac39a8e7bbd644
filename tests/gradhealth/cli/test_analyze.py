import json
import subprocess
import sys


def test_the_result_is_printed_under_the_specs_name(run, write):
    status, out, err = run("analyze", write("critical"))

    assert status == 0
    assert out.startswith("critical: critical - vanishing_gradient")
    assert "verify_fixes=True" in out
    assert "training" in err
    assert "Traceback" not in err


def test_json_goes_to_stdout_alone(run, write):
    status, out, _ = run(
        "analyze", write("fine"), "--no-verify-fixes", "--format", "json"
    )

    assert status == 0
    assert json.loads(out)["result"]["summary"] == "verify_fixes=False"


def test_local_wins_over_a_server_that_is_set(run, write, monkeypatch):
    monkeypatch.setenv("GRADHEALTH_SERVER", "http://127.0.0.1:9")
    name = write("fine")

    assert run("analyze", name)[0] == 2
    assert run("analyze", name, "--local")[0] == 0


def test_mistakes_are_listed_with_their_places(run, write):
    name = write("wrong", model=[{"type": "Linnear"}, {"type": "ReLU", "slope": 1}])

    status, out, err = run("analyze", name)

    assert (status, out) == (64, "")
    assert "/model/0/type: unknown layer type 'Linnear'; did you mean 'Linear'?" in err
    assert "/model/1" in err


def test_an_analysis_that_fails_is_2_with_the_reason(run, write):
    status, _, err = run("analyze", write("crash"))

    assert status == 2
    assert "signal 11" in err


def test_colours_are_for_terminals(run, write):
    assert "\x1b" not in run("analyze", write("critical"))[1]


def test_a_terminal_without_unicode_gets_ascii(write):
    name = write("wrong", model=[{"type": "→"}])
    done = subprocess.run(
        [sys.executable, "-m", "gradhealth.cli", "check", name],
        env={"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 64
    assert "unknown layer type '>'" in done.stdout
