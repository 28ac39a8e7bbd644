"""The images of the Dockerfile as far as they go without a container engine.

An image is what its stage copies and installs, run by an interpreter that can import
nothing else. It runs as the stage's user, without capabilities and with a read-only
root, where the kernel lets anybody have a user namespace.
"""

import compileall
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.pipelines import ROOT

# What `pip install` would not have brought does not exist.
SITE = """
import os, sys

class Absent:
    names = frozenset(os.environ["ABSENT"].split(","))

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"{name} is not in this image", name=name)

sys.meta_path.insert(0, Absent())
"""
# What every virtual environment has.
PRESENT = {"gradhealth", "pip", "setuptools"}
# Only $1 can be written to; the rest of the arguments run as the user $0.
CONTAINER = """
mount --bind "$1" "$1" && mount -o remount,bind,ro / || exit 99
shift
exec unshare --user --map-user="$0" --map-group="$0" setpriv --no-new-privs "$@"
"""


def stage(target):
    """(name, value) of the instructions of a stage and those below it, in order."""
    text = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text())
    stages = {
        match[2]: (match[1], match[3])
        for match in re.finditer(
            r"^FROM (\S+) AS (\S+)\n(.*?)(?=^FROM |\Z)", text, re.MULTILINE | re.DOTALL
        )
    }
    below, body = stages[target]
    lines = [line.strip().partition(" ") for line in body.splitlines()]
    found = [(name, value.strip()) for name, _, value in lines if name.isupper()]
    return [*(stage(below) if below in stages else []), *found]


def last(target, name):
    """The instruction of that name that holds, None without one."""
    return dict(stage(target)).get(name)


def words(instruction):
    """The command, in JSON's form, at the end of an instruction."""
    return json.loads(instruction[instruction.index("[") :])


def build(folder):
    """What `pip install .` puts into an image."""
    source, site = folder / "source", folder / "site"
    source.mkdir()
    for name, value in stage("build"):
        *copied, to = value.split()
        for each in copied if name == "COPY" else ():
            if (ROOT / each).is_dir():
                shutil.copytree(ROOT / each, source / to)
            else:
                shutil.copy(ROOT / each, source)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    subprocess.run(
        [*pip, "--no-build-isolation", "--wheel-dir", folder, source], check=True
    )
    (wheel,) = folder.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(site)
    (site / "sitecustomize.py").write_text(SITE)
    # As pip does: the root cannot be written to later.
    compileall.compile_dir(site, quiet=1)
    return site


def installed_by(extra):
    """The distributions that `pip install gradhealth[extra]` brings along."""
    found, todo = set(PRESENT), [("gradhealth", extra)]
    while todo:
        name, extra = todo.pop()
        for need in map(Requirement, distribution(name).requires or ()):
            marker, key = need.marker, canonicalize_name(need.name)
            if marker and not marker.evaluate({"extra": extra}):
                continue
            todo += [(key, each) for each in need.extras]
            if key not in found:
                found.add(key)
                todo.append((key, ""))
    return found


@dataclass(frozen=True)
class Image:
    """One target of the Dockerfile.

    Attributes:
        site: What `build` made.
        volume: The only folder it can write to.
        environment: What whoever starts it sets.
    """

    target: str
    site: Path
    volume: Path
    environment: dict

    def run(self, *arguments):
        """Runs it to its end, as `docker run IMAGE ARGUMENTS`."""
        command = [*words(last(self.target, "ENTRYPOINT")), *arguments]
        return subprocess.run(
            [*self._container, *command], **self._how, capture_output=True, check=False
        )

    def start(self):
        """Starts what it runs without arguments."""
        command = [
            *words(last(self.target, "ENTRYPOINT")),
            *words(last(self.target, "CMD")),
        ]
        return subprocess.Popen([*self._container, *command], **self._how)

    def check(self):
        """Runs its health check."""
        command = words(last(self.target, "HEALTHCHECK"))
        return subprocess.run(
            [*self._container, *command], **self._how, capture_output=True, check=False
        )

    @cached_property
    def _container(self):
        inside = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
        inside += [CONTAINER, last(self.target, "USER"), self.volume]
        can = subprocess.run([*inside, "true"], capture_output=True, check=False)
        return inside if can.returncode == 0 else []

    @cached_property
    def _how(self):
        scripts, known = Path(sys.executable).parent, installed_by(self.target)
        absent = [
            module
            for module, owners in packages_distributions().items()
            if not known & {*map(canonicalize_name, owners)}
        ]
        return {
            "cwd": self.volume,
            "text": True,
            "env": {
                "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
                "PYTHONPATH": str(self.site),
                "ABSENT": ",".join(absent),
                "LANG": "C.UTF-8",
                "TMPDIR": str(self.volume),
                "GRADHEALTH_DATA_DIR": str(self.volume),
                **self.environment,
            },
        }
