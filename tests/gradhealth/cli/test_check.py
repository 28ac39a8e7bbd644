import json

import pytest


def test_a_healthy_network_passes(run, write):
    status, out, _ = run("check", write("fine"))

    assert status == 0
    assert "fine.json: healthy" in out


def test_a_critical_network_fails(run, write):
    status, out, err = run("check", write("critical"))

    assert status == 1
    assert "critical.json: critical - vanishing_gradient" in out
    assert "the gate failed" in err


def test_of_several_files_the_worst_counts(run, write):
    fine, sick, mute = write("fine"), write("critical"), write("insufficient_data")
    crashing = write("crash")

    assert run("check", fine, sick)[0] == 1
    assert run("check", fine, mute)[0] == 0
    assert run("check", fine, "missing.json")[0] == 64
    assert run("check", fine, crashing, "missing.json")[0] == 2
    assert run("check", fine, crashing, sick, "missing.json")[0] == 1


def test_what_fails_the_gate_can_be_chosen(run, write):
    warned, sick = write("warning"), write("critical")

    assert run("check", warned)[0] == 0
    assert run("check", warned, "--fail-on", "warning")[0] == 1
    assert run("check", sick, "--fail-on", "never")[0] == 0


def test_globs_are_expanded_here_too(run, write):
    for name in ("a1", "a2", "b1"):
        write(name)

    status, out, _ = run("check", "a*.json", "--format", "json")

    assert status == 0
    assert [item["name"] for item in json.loads(out)["items"]] == ["a1.json", "a2.json"]


def test_nothing_to_check_is_a_status_of_its_own(run, write):
    assert run("check", "nothing-*.json")[0] == 3
    assert run("check", write("insufficient_data"))[0] == 3


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--no-such-flag"],
        ["x.json", "--fail-on", "sometimes"],
        ["x.json", "--format", "poem"],
        ["x.json", "--timeout", "soon"],
    ],
)
def test_wrong_usage_is_64(run, arguments):
    status, out, err = run("check", *arguments)

    assert (status, out) == (64, "")
    assert err.startswith("gradhealth: ")


@pytest.mark.parametrize(
    "text", ["", "not a spec, not a log", "[1]", "{}", '{"model": [{"type": "X"}]}']
)
def test_a_file_that_is_no_spec_is_64_and_says_why(run, folder, text):
    (folder / "garbage.txt").write_text(text)

    status, out, _ = run("check", "garbage.txt")

    assert status == 64
    assert "garbage.txt is not a usable spec" in out


def test_a_service_that_is_not_there_leaves_it_undecided(run, write):
    status, out, _ = run("check", write("fine"), "--server", "http://127.0.0.1:9")

    assert status == 2
    assert "gradhealth up" in out


def test_when_the_time_is_over_it_is_undecided(run, write):
    slow, next_one = write("a", training={"steps": 2000}), write("b")

    status, out, _ = run("check", slow, next_one, "--timeout", "1")

    assert status == 2
    assert "a.json: no result" in out
    assert "b.json: no result" in out


def test_the_report_can_go_to_a_file(run, write, folder):
    status, out, _ = run(
        "check", write("fine"), "--format", "json", "-o", "report.json"
    )

    assert (status, out) == (0, "")
    assert json.loads((folder / "report.json").read_text())["name"] == "fine.json"


def test_fixes_are_verified_only_when_asked_for(run, write):
    name = write("fine")

    assert "verify_fixes=False" in run("check", name)[1]
    assert "verify_fixes=True" in run("check", name, "--verify-fixes")[1]
