import json
import os

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


def test_a_link_to_a_folder_above_checks_nothing_twice(run, write, folder):
    write("fine")
    (folder / "again").symlink_to(folder, target_is_directory=True)

    status, out, _ = run("check", "**/*.json", "--fast", "--format", "json")

    assert status == 0
    assert json.loads(out)["name"] == "fine.json"


def test_nothing_to_check_is_a_status_of_its_own(run, write):
    assert run("check", "nothing-*.json")[0] == 3
    assert run("check", write("insufficient_data"))[0] == 3


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--no-such-flag"],
        ["x.json", "--fail-on", "sometimes"],
        ["x.json", "--project", "Bad Name"],
        ["x.json", "--fast", "--verify-fixes"],
        ["x.json", "--format", "poem"],
        ["x.json", "--timeout", "soon"],
    ],
)
def test_wrong_usage_is_64(run, arguments):
    status, out, err = run("check", *arguments)

    assert (status, out) == (64, "")
    assert err.startswith("gradhealth: ")


def test_a_spec_with_mistakes_is_64_and_lists_them(run, folder):
    (folder / "wrong.json").write_text('{"model": [{"type": "X"}]}')

    status, out, _ = run("check", "wrong.json")

    assert status == 64
    assert "wrong.json is not a usable spec" in out
    assert "/model/0/type" in out


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


def test_several_files_have_one_summary(run, write):
    _, _, err = run("check", write("fine"), write("critical"), "missing.json")

    assert err.endswith(
        "the gate failed (3 checked, 1 failed, 1 unreadable, 1 passed)\n"
    )


def test_a_policy_beside_the_files_holds(run, write, folder):
    name = write("critical")
    (folder / "gradhealth.toml").write_text('levels.vanishing_gradient = "info"')

    status, out, _ = run("check", name)

    assert status == 0
    assert "by the policy" in out


def test_thresholds_of_the_policy_reach_the_detectors(run, write, folder):
    name = write("critical")
    (folder / "strict.toml").write_text("thresholds.vanishing_gradient.gain = -1.25")

    assert "threshold -1.25" in run("check", name, "--policy", "strict.toml")[1]
    assert "threshold -3" in run("check", name)[1]


def test_a_policy_fails_at_what_it_says_and_an_option_overrides_it(run, write, folder):
    name = write("warning")
    (folder / "gradhealth.toml").write_text('fail_on = "warning"')

    assert run("check", name)[0] == 1
    assert run("check", name, "--fail-on", "critical")[0] == 0


@pytest.mark.parametrize("text", ["level = 1", "levels.dead = 'off'", "x ="])
def test_a_policy_with_mistakes_is_64(run, write, folder, text):
    (folder / "gradhealth.toml").write_text(text)

    status, _, err = run("check", write("fine"))

    assert status == 64
    assert "gradhealth.toml is not a usable policy" in err
    assert run("check", write("fine"), "--policy", "missing.toml")[0] == 64


def test_an_expired_ignore_is_told(run, write, folder):
    name = write("critical")
    ignore = '[[ignore]]\nproblem = "vanishing_gradient"\nreason = "x"\nuntil = '
    (folder / "gradhealth.toml").write_text(ignore + "2020-01-01")

    status, _, err = run("check", name)

    assert status == 1
    assert "expired on 2020-01-01" in err


def test_only_what_got_worse_than_the_baseline_fails(run, write):
    shallow = write("critical")
    assert run("baseline", "update", shallow, "-o", "base.json")[0] == 0

    assert run("check", shallow, "--baseline", "base.json")[0] == 0

    write("critical", model=[{"type": "Linear", "out_features": 4}] * 2)
    status, out, _ = run("check", shallow, "--baseline", "base.json")
    assert status == 1
    assert "worse: vanishing_gradient" in out


def test_without_a_baseline_the_gate_passes_with_a_note(run, write):
    name = write("critical")
    run("baseline", "update", write("fine"), "-o", "other.json")

    status, out, err = run("check", name, "--baseline", "missing.json")
    assert status == 0
    assert "no baseline missing.json" in err
    assert "nothing to compare with" in out
    assert run("check", name, "--baseline", "other.json")[0] == 0


def test_a_baseline_that_is_none_is_64(run, write, folder):
    (folder / "base.json").write_text("[]")

    assert run("check", write("fine"), "--baseline", "base.json")[0] == 64


def test_an_update_keeps_what_other_files_had(run, write, folder):
    run("baseline", "update", write("fine"))
    run("baseline", "update", write("critical"))

    recorded = json.loads((folder / "gradhealth-baseline.json").read_text())
    assert [item["name"] for item in recorded["items"]] == [
        "critical.json",
        "fine.json",
    ]


def test_an_update_without_a_result_writes_nothing(run, write, folder):
    status, _, err = run("baseline", "update", write("crash"))

    assert status == 2
    assert "signal 11" in err
    assert not (folder / "gradhealth-baseline.json").exists()


def test_the_policy_in_force_is_shown_with_its_origins(run, folder):
    (folder / "gradhealth.toml").write_text(
        "levels.dead_relu = 'off'\n"
        "[[ignore]]\nproblem = 'non_finite'\nreason = 'old'\nuntil = 2020-01-01\n"
        "[[overrides]]\nfiles = ['legacy/*']\n"
        "thresholds.vanishing_gradient.gain = -9.0\n"
    )

    status, out, _ = run("policy", "show", "--file", "legacy/a.json")

    assert status == 0
    assert "policy: gradhealth.toml" in out
    assert "fail_on = critical  (default)" in out
    assert "dead_relu = off  (levels)" in out
    assert "vanishing_gradient.gain = -9 log10 J  (overrides[0])" in out
    assert "dead_relu.share = 0.9 units  (default)" in out
    assert "non_finite in * expired on 2020-01-01: old" in out


def test_twice_the_same_is_byte_for_byte_the_same(run, write, folder):
    names = [write("fine"), write("critical")]
    formats = ("text", "json", "markdown", "sarif", "junit", "gitlab", "github")
    outputs = [part for each in formats for part in ("-o", f"{each}={each}")]

    def reports():
        printed = run("check", *names, *outputs)
        return printed, [(folder / each).read_bytes() for each in formats]

    assert reports() == reports()


def test_fast_decides_without_training_and_says_where_it_cannot(run, write):
    sick = [{"type": "Linear", "out_features": 8}, {"type": "Sigmoid"}] * 20
    rnn = [{"type": "RNN", "hidden_size": 4, "return": "last"}]
    out_ = {"type": "Linear", "out_features": 4}

    assert run("check", "--fast", write("fine"))[0] == 0
    status, out, _ = run("check", "--fast", write("deep", model=[*sick, out_]))
    assert status == 1
    assert "vanishing_gradient" in out
    recurrent = write("rnn", data={"task": "recall"}, model=[*rnn, out_])
    assert run("check", "--fast", recurrent)[0] == 3


def test_one_run_can_write_several_reports(run, write, folder):
    status, out, err = run(
        *("check", write("critical"), "--format", "github"),
        *("-o", "sarif=a.sarif", "-o", "markdown=b.md"),
    )

    assert status == 1
    assert json.loads((folder / "a.sarif").read_text())["version"] == "2.1.0"
    assert "Gradient health" in (folder / "b.md").read_text()
    assert out.startswith("::error file=critical.json")
    assert err.count("training") == 1


def test_a_report_goes_to_one_place(run, write, folder):
    assert run("check", "x.json", "-o", "a", "-o", "b")[0] == 64
    assert run("check", "x.json", "-o", "a", "-o", "text=b")[0] == 64
    assert run("check", write("fine"), "-o", "a=b", "-o", "json=c")[1] == ""
    assert (folder / "a=b").exists()
    assert (folder / "c").exists()


def test_folders_of_a_report_are_made(run, write, folder):
    status, out, _ = run("check", write("fine"), "-o", "junit=new/reports/a.xml")

    assert status == 0
    assert "fine.json: healthy" in out
    assert (folder / "new/reports/a.xml").exists()


def test_a_report_that_cannot_be_written_takes_nothing_from_the_others(
    run, write, folder
):
    outputs = ("-o", f"html={folder}", "-o", "json=a.json")

    status, _, err = run("check", write("fine"), *outputs)
    assert status == 64
    assert f"cannot write {folder}: Is a directory" in err
    assert (folder / "a.json").exists()
    assert run("check", write("critical"), *outputs)[0] == 1
    assert run("check", write("fine"), "--fast", "-o", "/dev/full")[0] == 64


def test_a_name_that_is_no_utf_8_is_shown_as_well_as_can_be(run, write, folder):
    odd = os.fsdecode(b"latin\xe4.json")
    (folder / write("fine")).rename(folder / odd)

    for name in ("json", "html", "markdown"):
        status, out, _ = run("check", "--fast", odd, "--format", name)
        assert status == 0
        assert "latin\ufffd.json" in out


def test_a_mistake_in_a_spec_is_shown_at_its_line(run, folder):
    typo = '{"data": {"task": "clusters"},\n "model": [\n  {"type": "Linaer"}]}'
    (folder / "typo.json").write_text(typo)
    (folder / "cut.json").write_text(typo[:-3])

    status, out, _ = run("check", "typo.json", "cut.json", "--format", "github")
    assert status == 64
    typo, cut = out.splitlines()
    assert "file=typo.json,line=3," in typo
    assert "line 3: /model/0/type: unknown layer type 'Linaer'" in typo
    # It is a spec, so nothing is said about logs.
    assert "file=cut.json,line=3," in cut
    assert "log" not in cut


def test_a_branch_needs_a_service_as_a_baseline(run, write):
    status, _, err = run("check", write("critical"), "--baseline", "main")

    assert status == 0
    assert "no baseline main (a branch or an id needs --server)" in err
