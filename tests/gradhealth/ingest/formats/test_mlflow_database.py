"""Databases with MLflow's table of metrics; tests/samples has a real one."""

import random
import sqlite3

import pytest

from gradhealth.ingest import IngestError, read_log

TABLE = (
    "CREATE TABLE metrics (key VARCHAR(250), value FLOAT, timestamp BIGINT, "
    "run_uuid VARCHAR(32), step BIGINT, is_nan BOOLEAN, "
    "PRIMARY KEY (key, timestamp, step, run_uuid, value, is_nan))"
)
LARGEST = 1.7976931348623157e308


@pytest.fixture
def database(tmp_path):
    """Makes one of rows of key, value, run, step and whether it is NaN."""

    def make(*rows, table=TABLE):
        path = tmp_path / "mlflow.db"
        path.unlink(missing_ok=True)
        connection = sqlite3.connect(path)
        connection.execute(table)
        connection.executemany(
            "INSERT INTO metrics (key, value, run_uuid, step, is_nan, timestamp) "
            "VALUES (?, ?, ?, ?, ?, 0)",
            rows,
        )
        connection.commit()
        connection.close()
        return path.read_bytes()

    return make


def refusal(content):
    with pytest.raises(IngestError) as caught:
        read_log(content)
    return str(caught.value)


def test_every_run_and_what_is_not_finite(database):
    first, second = read_log(
        database(
            ("train/loss", 2.0, "a", 0, False),
            ("train/loss", 0.0, "a", 1, True),
            ("grad_norm", LARGEST, "a", 1, False),
            ("train/loss", 3.0, "b", 0, False),
        )
    )

    assert first.context.source_format == "mlflow_database"
    assert (first.run, second.run) == ("a", "b")
    assert str(first.series["loss"].tolist()) == "[2.0, nan]"
    assert first.series["grad_norm"].tolist() == [None, float("inf")]
    assert second.series["loss"].tolist() == [3.0]


def test_layers_have_the_order_of_their_numbers_alone(database):
    rows = [(f"grad_norm/h.{n}", 1.0, "a", 0, False) for n in (10, 2, 1)]

    (trace,) = read_log(database(*rows))

    assert [layer.path for layer in trace.layers] == ["h.1", "h.2", "h.10"]


def test_what_was_logged_again_after_a_return_counts(database):
    rows = [("loss", float(n), "a", step, False) for n, step in enumerate((0, 1, 2, 1))]

    (trace,) = read_log(database(*rows))

    assert trace.series["loss"].tolist() == [0.0, 3.0]


@pytest.mark.parametrize(
    ("step", "value", "words"),
    [
        (-1, 1.0, "the step -1 is no whole number"),
        ("x", 1.0, "the step x is no whole number"),
        (0, "x", "'loss' is 'x'"),
    ],
)
def test_what_is_no_number_is_pointed_at(database, step, value, words):
    assert words in refusal(database(("loss", value, "a", step, False)))


def test_other_databases_are_refused(tmp_path):
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE VIEW metrics AS SELECT 1")
    connection.commit()
    connection.close()

    assert "without MLflow's table" in refusal(path.read_bytes())


def test_damaged_databases_are_read_or_refused(database):
    content = database(*(("loss", float(n), "a", n, False) for n in range(200)))
    chance = random.Random(3)

    for _ in range(30):
        damaged = bytearray(content)
        for _ in range(chance.randint(1, 20)):
            damaged[chance.randrange(16, len(damaged))] = chance.randrange(256)
        try:
            assert read_log(bytes(damaged))
        except IngestError:
            continue
    assert "cannot be read" in refusal(content[:20])
