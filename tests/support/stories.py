"""Pages of documentation as they are read: from top to bottom, all of it done.

- `console`: each command after `$ ` is run, all of a page in one shell. Lines below it
  are what it prints; without any, it may print what it likes. `...` is anything.
- `python`: run in one namespace a page; a `text` block right below is what it prints.
- any block with `title="PATH"` is written to that file; a `diff` is applied.
- `sh`: for a person alone, what installs or does not end. `STARTED` says why each is
  believed all the same. Engines of containers are programs that no test has.
- other blocks are looked at, not run; JSON must be JSON.
"""

import contextlib
import io
import json
import re
import shlex
import subprocess
from dataclasses import dataclass

from tests.support.pipelines import PATH, ROOT

DOCS = ROOT / "docs"
SERVICE = "http://127.0.0.1:8000"
STARTED = {
    "git clone https://github.com/gradhealth/gradhealth": "the address of the project",
    "cd gradhealth": "the working folder of the tests",
    "./scripts/demo": "installs, and takes a minute",
    'export PATH="$PWD/.venv/bin:$PATH"': "what PATH is for the tests",
    "mkdir -p -m 700 secrets && openssl rand -hex 24 > secrets/database_password": (
        "what any shell can"
    ),
    "gradhealth up": "how the service of the tests was started",
}
# tests/deploy holds what their containers do, and the commands inside them.
ENGINES = {"docker", "kubectl"}
# Of what was printed, in a failure.
MAX_TOLD = 2000
FENCE = re.compile(
    r'^( *)```(\w+)(?: title="([^"\n]+)")?\n(.*?)^\1```$', re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        place: Page and line of its first line.
        title: The file that it is.
        is_next: Whether no prose stands between the block before and this one.
    """

    language: str
    title: str | None
    text: str
    place: str
    is_next: bool


def blocks(name):
    """All fenced blocks of a page of docs/."""
    page = (DOCS / name).read_text()
    found, end = [], None
    for match in FENCE.finditer(page):
        indent, language, title, text = match.groups()
        line = page.count("\n", 0, match.start(4)) + 1
        is_next = end is not None and not page[end : match.start()].strip()
        text = re.sub(f"^{indent}", "", text, flags=re.MULTILINE)
        found.append(Block(language, title, text, f"docs/{name}:{line}", is_next))
        end = match.end()
    return found


def commands(text):
    """Pairs of a command and what it is said to print."""
    pairs = []
    for line in text.splitlines():
        if line.startswith("$ "):
            pairs.append([line[2:], []])
        elif pairs and not _is_whole(pairs[-1][0]):
            pairs[-1][0] += "\n" + line
        else:
            pairs[-1][1].append(line)
    return [(command, "\n".join(lines)) for command, lines in pairs]


def _is_whole(command):
    try:
        shlex.split(command)
    except ValueError:
        return False
    return not command.endswith("\\")


class Shell:
    """One bash that keeps what it was told."""

    END = "-- end of output, status "

    def __init__(self, folder, **environment):
        self._bash = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=folder,
            env={"PATH": PATH, "LANG": "C.UTF-8", "COLUMNS": "100", **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._bash.communicate()

    def run(self, command):
        """Exit status, and all that was printed."""
        # A command that reads would otherwise read the ones that follow.
        self._bash.stdin.write(f'{{ {command}\n}} </dev/null; echo "{self.END}$?"\n')
        self._bash.stdin.flush()
        printed = ""
        while self.END not in printed:
            line = self._bash.stdout.readline()
            assert line, f"the shell ended: {command}"
            printed += line
        printed, _, status = printed.rpartition(self.END)
        return int(status), printed


class Story:
    """A page in one folder, with one shell and one namespace."""

    def __init__(self, name, folder, *, service=SERVICE, **environment):
        self._blocks = blocks(name)
        self._folder = folder
        self._service = service
        self._environment = environment
        self._names = {"__name__": "__main__"}

    def run(self):
        printed = ""
        with Shell(self._folder, **self._environment) as shell:
            for block in self._blocks:
                text = block.text.replace(SERVICE, self._service)
                if block.title:
                    path = self._folder / block.title
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text(text)
                elif block.language == "diff":
                    _apply(text, self._folder)
                elif block.language == "console":
                    self._type(shell, text, block.place)
                elif block.language == "python":
                    printed = self._execute(text, block.place)
                elif block.language == "text" and block.is_next:
                    check(printed, text, block.place)
                else:
                    _look_at(block)

    def _type(self, shell, text, place):
        for command, expected in commands(text):
            status, printed = shell.run(command)
            assert status == 0, f"{place}: {command}\n{printed}"
            if expected:
                check(printed, expected, f"{place}: {command}")

    def _execute(self, text, place):
        printed = io.StringIO()
        page, _, line = place.rpartition(":")
        code = compile("\n" * (int(line) - 1) + text, page, "exec")
        with contextlib.chdir(self._folder), contextlib.redirect_stdout(printed):
            exec(code, self._names)
        return printed.getvalue()


def check(printed, expected, place):
    """Whether something was printed, but for space and what `...` stands for."""
    said, got = " ".join(expected.split()), " ".join(printed.split())
    wanted = ".*".join(map(re.escape, re.split(r" ?\.\.\. ?", said)))
    told = f"{place}\nsaid:    {said}\nprinted: {got[:MAX_TOLD]}"
    assert re.fullmatch(wanted, got), told


def _apply(patch, folder):
    command = ["git", "apply", "--recount", "--unidiff-zero", "-"]
    subprocess.run(command, input=patch, text=True, cwd=folder, check=True)


def _is_an_engines(line):
    words = [word for word in shlex.split(line) if not re.match(r"[A-Z_]+=", word)]
    return words[0] in ENGINES


def _look_at(block):
    if block.language == "json":
        json.loads(block.text)
    elif block.language == "sh":
        lines = [line for line in block.text.splitlines() if not _is_an_engines(line)]
        unknown = {*lines} - STARTED.keys()
        assert not unknown, f"{block.place}: nothing runs {unknown}"
