import os
import subprocess
import sys

HEAVY = {"torch", "fastapi", "sqlalchemy", "dbos", "alembic", "uvicorn"}
HEAVY |= {"structlog", "pydantic_settings", "worker.config"}


def test_the_help_names_every_command(run):
    status, out, _ = run("--help")

    assert status == 0
    for command in ("up", "serve", "worker", "migrate", "analyze", "check", "demo"):
        assert command in out


def test_without_a_command_the_help_is_shown(run):
    status, out, err = run()

    assert status == 64
    assert "Usage" in out + err


def test_the_command_line_loads_nothing_heavy():
    code = "import sys, gradhealth.cli; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert not HEAVY & set(done.stdout.split())


def test_a_replay_says_what_to_replay_and_where(run):
    status, _, err = run("webhook", "replay", "w")
    assert status == 64
    assert "name deliveries, or say --dead" in err

    status, _, err = run("webhook", "list", "--server", "http://127.0.0.1:9")
    assert status == 2
    assert "no answer from http://127.0.0.1:9" in err


def test_a_port_in_use_and_an_open_host_are_clear_errors(run, free_listener, tmp_path):
    port = free_listener.getsockname()[1]

    status, _, err = run("up", "--port", str(port))
    assert status == 2
    assert f"cannot listen on 127.0.0.1:{port}" in err

    everywhere = ("--host", "0.0.0.0", "--port", "0")
    status, _, err = run("up", *everywhere, "--data", str(tmp_path))
    assert status == 2
    assert "gradhealth key create --project" in err


def test_a_fast_check_needs_no_torch(write):
    code = (
        "import sys; sys.modules['torch'] = None; from gradhealth.cli import main; "
        f"main(['check', '--fast', {write('fine')!r}])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=False
    )

    assert done.returncode == 0


def test_a_mistake_of_the_program_looks_like_no_verdict(run, monkeypatch):
    def break_down(path):
        raise RuntimeError("unforeseen")

    monkeypatch.setattr("gradhealth.cli.policies.read_policy", break_down)

    status, _, err = run("policy", "show")

    assert status == 2
    assert "unforeseen" in err
    assert "please report it" in err


def test_who_stops_reading_or_never_did_changes_no_status(write):
    command = [sys.executable, "-m", "gradhealth.cli", "check", "--fast", write("fine")]
    reader, writer = os.pipe()
    os.close(reader)

    assert subprocess.run(command, stdout=writer, check=False).returncode == 0
    os.close(writer)
    without = ["sh", "-c", 'exec "$@" >&- 2>&-', "sh", *command]
    assert subprocess.run(without, check=False).returncode == 0
