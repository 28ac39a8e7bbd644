import pytest
from pydantic import ValidationError

from storage.config import StorageSettings


def test_without_settings_the_data_is_a_file_in_the_data_folder(tmp_path):
    settings = StorageSettings(data_dir=tmp_path, database_url=None)

    assert settings.is_sqlite
    assert settings.sync_url == f"sqlite:///{tmp_path}/gradhealth.db"


@pytest.mark.parametrize(
    ("written", "driver"),
    [
        ("sqlite:////tmp/a.db", "sqlite+aiosqlite"),
        ("sqlite+aiosqlite:////tmp/a.db", "sqlite+aiosqlite"),
        ("postgresql://u:p@h/d", "postgresql+psycopg"),
        ("postgres://u:p@h/d", "postgresql+psycopg"),
        ("postgresql+asyncpg://u:p@h/d", "postgresql+psycopg"),
    ],
)
def test_usual_ways_to_write_a_url_are_understood(written, driver):
    assert StorageSettings(database_url=written).url.drivername == driver


@pytest.mark.parametrize(
    "wrong", ["mysql://h/d", "nonsense", "sqlite://", "sqlite:///:memory:"]
)
def test_a_wrong_url_is_refused_without_showing_it(wrong):
    with pytest.raises(ValidationError, match=r"sqlite:///|file"):
        StorageSettings(database_url=wrong)


def test_the_environment_is_read(monkeypatch):
    monkeypatch.setenv("GRADHEALTH_DATABASE_URL", "postgresql://u:secret@h/d")

    settings = StorageSettings()

    assert settings.sync_url == "postgresql+psycopg://u:secret@h/d"
    assert "secret" not in repr(settings)


def test_the_url_may_stand_in_a_file(tmp_path):
    file = tmp_path / "url"
    file.write_text("postgresql://u:secret@h/d\n")

    settings = StorageSettings(database_url=None, database_url_file=file)

    assert settings.sync_url == "postgresql+psycopg://u:secret@h/d"
    assert "secret" not in repr(settings)


def test_the_password_of_a_url_may_stand_in_a_file(tmp_path):
    file = tmp_path / "password"
    file.write_text("s@cret\n")

    settings = StorageSettings(
        database_url="postgresql://u@h/d", database_password_file=file
    )

    assert settings.sync_url == "postgresql+psycopg://u:s%40cret@h/d"
    assert "cret" not in repr(settings)


def test_a_password_in_the_url_stays():
    settings = StorageSettings(
        database_url="postgresql://u:own@h/d", database_password="other"
    )

    assert settings.sync_url == "postgresql+psycopg://u:own@h/d"


def test_a_file_that_cannot_be_read_and_two_urls_are_mistakes(tmp_path):
    with pytest.raises(ValidationError, match="cannot read GRADHEALTH_DATABASE_URL_F"):
        StorageSettings(database_url=None, database_url_file=tmp_path / "none")
    with pytest.raises(ValidationError, match="not both"):
        StorageSettings(database_url="sqlite:///x", database_url_file=tmp_path / "url")
