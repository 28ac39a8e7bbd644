"""Control groups: the kernel's own where it offers some, else files like its own."""

import subprocess
import sys
from pathlib import Path

import pytest

from worker.processes.control_groups import ControlGroup, ControlGroups

LIMIT = 2**30


@pytest.fixture
def tree(tmp_path):
    """A delegated group in which this process stands, without the kernel behind it."""
    folder = tmp_path / "service"
    folder.mkdir()
    (folder / "cgroup.controllers").write_text("cpu memory pids")
    (folder / "cgroup.subtree_control").write_text("memory pids")
    (tmp_path / "mounts").write_text(f"cgroup2 {tmp_path} cgroup2 rw 0 0\n")
    (tmp_path / "own").write_text("0::/service\n")
    return folder


def delegated(tree):
    files = {"mounts": tree.parent / "mounts", "own": tree.parent / "own"}
    return ControlGroups.delegated(**files)


def test_without_memory_to_hand_down_there_are_none(tree):
    (tree / "cgroup.controllers").write_text("cpu pids")
    assert delegated(tree) is None


def test_in_version_1_there_are_none(tree):
    (tree.parent / "own").write_text("4:memory:/service\n")
    assert delegated(tree) is None


def test_a_training_and_what_it_starts_are_limited_together(tree):
    groups = delegated(tree)

    groups.limited(LIMIT).take(42)

    *_, limits = sorted(tree.glob("*/memory.max"))
    files = {each.name: each.read_text() for each in limits.parent.iterdir()}
    assert files == {
        "memory.max": str(LIMIT),
        "memory.oom.group": "1",
        "pids.max": "512",
        "cgroup.procs": "42",
    }


@pytest.mark.parametrize(
    ("events", "ran_out"),
    [("oom 0\noom_kill 0\n", False), ("oom 1\noom_kill 1\n", True)],
)
def test_it_is_told_what_ended_a_training(tmp_path, events, ran_out):
    (tmp_path / "memory.events").write_text(events)
    assert ControlGroup(tmp_path).ran_out_of_memory == ran_out


def test_the_kernel_takes_the_processes_and_ends_them_all():
    # Whichever controller is left for version 2: the rest is the same for all.
    for controller in ("memory", "pids", "hugetlb", "cpu"):
        groups = ControlGroups.delegated(controller)
        if groups is not None:
            break
    else:
        pytest.skip("no control group may be made here")
    group = groups.make({})
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=-1) as process:
        group.take(process.pid)
        inside = Path(f"/proc/{process.pid}/cgroup").read_text()
        group.end()

        assert "gradhealth-" in inside
        assert process.wait(10) == -9
    groups.make({}).end()
