from dataclasses import fields

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
