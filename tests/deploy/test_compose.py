"""docker-compose.yml: its schema, its order, and what its containers may do."""

import pytest

from storage.config import StorageSettings
from tests.support.images import last, words
from tests.support.pipelines import is_valid, load

COMPOSE = load("docker-compose.yml")
SERVICES = COMPOSE["services"]
OURS = {name: each for name, each in SERVICES.items() if "build" in each}


def test_it_meets_the_schema():
    assert is_valid("vendor.compose-spec", "docker-compose.yml")


def test_everything_waits_for_the_tables_and_they_for_the_database():
    waits_for = {name: each["depends_on"] for name, each in OURS.items()}

    assert waits_for.pop("migrate") == {"db": {"condition": "service_healthy"}}
    done = {"migrate": {"condition": "service_completed_successfully"}}
    assert all(each == done for each in waits_for.values())
    assert waits_for.keys() == {"service", "worker-cpu", "worker-gpu"}


@pytest.mark.parametrize("name", OURS)
def test_each_runs_a_stage_without_rights_on_a_read_only_root(name):
    target = OURS[name]["build"]["target"]

    assert words(last(target, "ENTRYPOINT")) == ["gradhealth"]
    assert int(last(target, "USER")) > 0
    assert OURS[name]["read_only"]
    assert OURS[name]["cap_drop"] == ["ALL"]
    assert OURS[name]["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", OURS)
def test_each_finds_the_database_by_a_password_in_a_file(name, tmp_path):
    (tmp_path / "password").write_text("secret\n")
    told = OURS[name]["environment"]
    mounted = {f"/run/secrets/{each}" for each in OURS[name]["secrets"]}

    assert {told["GRADHEALTH_DATABASE_PASSWORD_FILE"]} == mounted
    settings = StorageSettings(
        database_url=told["GRADHEALTH_DATABASE_URL"],
        database_password_file=tmp_path / "password",
    )
    assert settings.url.host in SERVICES
    assert settings.url.password == "secret"


def test_only_the_service_can_be_reached_and_only_from_this_machine():
    published = {n: each["ports"] for n, each in SERVICES.items() if "ports" in each}
    closed = {n for n, each in SERVICES.items() if each["networks"] == ["inside"]}

    assert published == {"service": ["127.0.0.1:8000:8000"]}
    assert last("service", "EXPOSE") == "8000"
    assert closed == SERVICES.keys() - {"service"}
    assert COMPOSE["networks"]["inside"]["internal"]


def test_a_gpu_is_asked_for_by_name_only():
    (device,) = SERVICES["worker-gpu"]["deploy"]["resources"]["reservations"]["devices"]

    assert SERVICES["worker-gpu"]["profiles"] == ["gpu"]
    assert device["capabilities"] == ["gpu"]
    assert "profiles" not in SERVICES["worker-cpu"]
