from dataclasses import fields

import pytest
from pydantic import ValidationError

from gradhealth.architecture.limits import Limits
from service.config import ServiceSettings


def test_the_defaults_are_the_cores():
    assert ServiceSettings().limits == Limits()


def test_every_limit_is_a_setting(monkeypatch):
    for number, limit in enumerate(fields(Limits), start=1):
        monkeypatch.setenv(f"GRADHEALTH_MAX_{limit.name.upper()}", str(number))

    limits = ServiceSettings().limits

    told = [getattr(limits, limit.name) for limit in fields(Limits)]
    assert told == [*range(1, len(told) + 1)]


def test_the_key_of_secrets_may_be_in_a_file(tmp_path):
    file = tmp_path / "key"
    file.write_text(f"{'n' * 32}\n{'o' * 32}\n")

    settings = ServiceSettings(webhook_secret_key_file=file)

    older = ServiceSettings(webhook_secret_key="o" * 32).webhook_secrets
    assert settings.webhook_secrets.reveal(older.new())
    assert "nnn" not in repr(settings)


@pytest.mark.parametrize("key", ["", " ", "short", f"{'n' * 32} short"])
def test_a_key_that_could_be_guessed_is_refused(key):
    with pytest.raises(ValidationError, match="openssl rand"):
        ServiceSettings(webhook_secret_key=key)
