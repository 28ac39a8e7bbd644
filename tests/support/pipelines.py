"""A CI system's runner, as far as our own files need one."""

import os
import re
import subprocess
import sys
from pathlib import Path

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

CLASSIFIER = (ROOT / "examples/ci/gitlab/networks/classifier.json").read_text()


def load(path):
    """A YAML file of the project."""
    return YAML(typ="safe").load(ROOT / path)


def is_valid(builtin, *paths):
    """Whether files meet a schema that check-jsonschema brings along."""
    return _passes("check_jsonschema", "--builtin-schema", builtin, *paths)


def is_manifest(path):
    """Whether a file is a list of hooks for pre-commit."""
    return _passes("pre_commit", "validate-manifest", path)


def is_config(path):
    """Whether a file is a configuration of pre-commit."""
    return _passes("pre_commit", "validate-config", path)


def is_dockerfile(path):
    """Whether hadolint finds nothing in a Dockerfile."""
    done = subprocess.run(
        [Path(sys.executable).with_name("hadolint"), "--no-color", ROOT / path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return True


def _passes(module, *arguments):
    done = subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return True


def shell(script, folder, environment=None):
    """Runs a step's script as a runner does; the analysis is a quick one."""
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=folder,
        env={
            "PATH": PATH,
            "PYTHONPATH": str(ROOT),
            "LANG": "C.UTF-8",
            "GRADHEALTH_ANALYSIS_MODULE": "tests.support.quick_analysis",
            "GRADHEALTH_UNITS_MODULE": "tests.support.faulty_units",
            **(environment or {}),
        },
        capture_output=True,
        text=True,
        check=False,
    )


def filled(expression, values):
    """A text of GitHub's with its ${{ }} replaced by what they stand for."""
    return re.sub(
        r"\$\{\{ ([\w.-]+) \}\}", lambda match: values[match[1]], str(expression)
    )
