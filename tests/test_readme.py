"""The README keeps its promises."""

import json
import re
from pathlib import Path

from gradhealth.architecture.network import resolve
from gradhealth.cli.exit_codes import ExitCode
from service.config import ServiceSettings
from storage.config import StorageSettings
from worker.config import WorkerSettings

README = Path(__file__).parents[1].joinpath("README.md").read_text()
# Settings of the command line alone.
OF_COMMANDS = {
    "GRADHEALTH_SERVER",
    "GRADHEALTH_PROJECT",
    "GRADHEALTH_API_KEY",
    "GRADHEALTH_API_KEY_FILE",
}


def test_every_setting_is_in_the_table_with_its_default():
    rows = re.findall(r"^\| `(GRADHEALTH_\w+)` \| (.*?) \|", README, re.MULTILINE)
    told = dict(rows)
    fields = {
        f"GRADHEALTH_{name.upper()}": field.default
        for settings in (ServiceSettings, StorageSettings, WorkerSettings)
        for name, field in settings.model_fields.items()
    }

    assert told.keys() == fields.keys() | OF_COMMANDS
    for name, default in fields.items():
        if isinstance(default, int | float):
            assert float(told[name].strip("`")) == default
        elif isinstance(default, tuple):
            assert json.loads(told[name].strip("`")) == [*default]
        elif default is not None:
            assert told[name].strip("`") == str(default)


def test_the_example_of_a_request_is_accepted():
    body = re.search(r"--json '(\{.*?\n\})'", README, re.DOTALL)[1]

    assert resolve(json.loads(body)["spec"])


def test_the_exit_statuses_are_those_of_the_code():
    told = re.findall(r"^\| (\d+) \|", README, re.MULTILINE)

    assert [*map(int, told)] == [code.value for code in ExitCode]
