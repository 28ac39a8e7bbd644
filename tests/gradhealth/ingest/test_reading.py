"""The door: what is recognised, what is refused, and how much memory it takes."""

import gzip
import io
import json
import zipfile

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from gradhealth.ingest import IngestError, IngestLimits, parse_mapping, read_log
from gradhealth.ingest.formats.base import log_formats

ROWS = [{"step": n, "loss": 2.0 / (n + 1), "grad_norm": 1.0} for n in range(20)]
LINES = "\n".join(map(json.dumps, ROWS)).encode()


def the_trace(content, **options):
    (trace,) = read_log(content, **options)
    return trace


def refusal(content, **options):
    with pytest.raises(IngestError) as caught:
        read_log(content, **options)
    return str(caught.value)


@pytest.mark.parametrize("compress", [bytes, gzip.compress, zstandard.compress])
def test_a_file_is_read_packed_or_not(compress):
    trace = the_trace(compress(LINES))

    assert trace.context.source_format == "jsonl"
    assert trace.steps.tolist() == list(range(20))
    assert trace.series["loss"].tolist() == [row["loss"] for row in ROWS]


@pytest.mark.parametrize("mark", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_a_file_in_utf_16_is_read(mark, compress):
    text = "\ufeff" + "".join(f"{json.dumps(row)}\r\n" for row in ROWS * 2_000)

    trace = the_trace(compress(text.encode(mark)))

    assert trace.series["loss"].tolist()[:20] == [row["loss"] for row in ROWS]
    assert len(trace.steps) == 40_000


@pytest.mark.parametrize("content", [b"\xff\xfe" + b"\0\xd8" * 9, b"\xfe\xff\xff"])
def test_what_only_begins_like_utf_16_is_refused(content):
    assert refusal(content)


@pytest.mark.parametrize(
    ("head", "row", "name"),
    [
        (b"", b'{"step": %d, "loss": 1.0, "x": "' + b"x" * 2**20 + b'"}\n', "jsonl"),
        (
            b"step,loss%s\n"
            % b"".join(b",%d%s" % (n, b"x" * 60) for n in range(19_000)),
            b"%d,1.0" + b"," * 19_000 + b"\n",
            "csv",
        ),
    ],
)
def test_a_first_line_may_be_long(head, row, name):
    trace = the_trace(head + b"".join(row % n for n in range(4)))

    assert trace.context.source_format == name
    assert trace.steps.tolist() == [0, 1, 2, 3]


def test_a_hundred_thousand_columns_are_told():
    header = ",".join(f"grad_norm/layers.{n}" for n in range(100_000))
    row = ",".join(["1.0"] * 100_000)

    assert "more than 20,000 columns" in refusal(f"{header}\n{row}\n{row}\n".encode())


def test_a_header_that_is_repeated_is_passed_over():
    rows = "".join(f"{n},1.0\n" for n in range(10))
    more = "".join(f"{n},0.5\n" for n in range(5, 15))

    trace = the_trace(f"step,loss\n{rows}step,loss\n{more}".encode())

    assert trace.series["loss"].tolist() == [1.0] * 5 + [0.5] * 10
    assert "the header stands 1 times more" in " ".join(trace.context.notes)


def test_a_path_and_an_open_file_are_read(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_bytes(LINES)

    with path.open("rb") as stream:
        assert the_trace(stream).steps.tolist() == the_trace(path).steps.tolist()
    assert the_trace(path).run == "log.jsonl"


def test_a_file_that_is_not_there_is_an_error(tmp_path):
    assert "cannot read" in refusal(tmp_path / "nothing.csv")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the file is empty"),
        (b"not a spec, not a log", "no log in a known format"),
        (b"\x00\x01\x02" * 100, "no log in a known format"),
        (b"step,loss\n1,2\n\xff\xfe,3\n", "line 3 is not UTF-8"),
        (b'{"a": [1, 2}', "no log in a known format"),
        (b'{"a": [1, 2, 3]}', "no loss, gradient norm"),
        (b'{"loss": 1}\n{"loss": }\n{"loss": 1}\n', "line 2: not valid JSON"),
        (b'{"loss": 1}\n[1]\n', "line 2: expected a JSON object"),
        (b'{"step": 1, "loss": "abc"}\n' * 2, "line 1: 'loss' is 'abc'"),
        (b"step,loss\n1,abc\n2,3\n", "line 2: 'loss' is 'abc'"),
        (b'{"loss": 1}\n{"loss": 1' + b"0" * 400 + b"}\n", "too large"),
        (b"a,loss\n1,2\n1,2,3\n1,2\n", "line 3 has 3 cells, the header 2"),
        (b"a,loss,loss\n1,2,3\n", "the column 'loss' is there 2 times"),
        (gzip.compress(LINES)[:-8] + bytes(8), "a gzip that cannot be unpacked"),
        (zstandard.compress(LINES) + bytes(8), "a zstd that cannot be unpacked"),
        (b"[" * 100_000, "no log in a known format"),
    ],
)
def test_what_is_no_log_says_what_is_wrong(content, words):
    assert words in refusal(content)


LARGE = "1" + "0" * 400


@pytest.mark.parametrize(
    "content",
    [
        "\n".join(
            f'{{"loss": {1 + 1 / (n + 1)}, "tokens": {LARGE}}}' for n in range(9)
        ),
        f'[{{"loss": 2, "tokens": 1}}, {{"tokens": {LARGE}, "loss": 1}}]',
        f'{{"loss": [2, 1], "seen": {{"tokens": [1, {LARGE}]}}}}',
    ],
)
def test_a_huge_integer_that_nobody_needs_costs_its_column_alone(content):
    trace = the_trace(content.encode())

    assert list(trace.series) == ["loss"]
    assert trace.series["loss"][0] == 2
    assert trace.series["loss"].count() == len(trace.steps)


def test_a_huge_integer_in_a_column_that_counts_is_named():
    content = f'{{"grad_norm": [1, 2], "loss": [1, {LARGE}]}}'

    told = refusal(content.encode())

    assert told == "/loss/1: 'loss' is a number too large for a float"


BOTH = (
    b" iteration 1/ 2 | learning rate: 0.1 | lm loss: 2.0 | loss scale: 1.0 |\n"
    b"Iter(train) [ 1/2]  lr: 0.1  data_time: 0.1  loss: 3.0\n"
)


def test_the_formats_that_a_file_could_be_are_named():
    assert "this could be megatron or mmengine: name the format" in refusal(BOTH)
    assert the_trace(BOTH, format_name="mmengine").series["loss"].tolist() == [3.0]


def test_a_file_of_an_archive_that_leaves_its_format_open_is_named():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a/train.log", BOTH)

    assert "'a/train.log' could be megatron or mmengine" in refusal(packed.getvalue())


def test_a_history_that_also_looks_like_a_trainers_entries_is_a_history():
    row = {"_step": 1, "_runtime": 2, "epoch": 1, "learning_rate": 0.1, "loss": 2.0}

    trace = the_trace("\n".join([json.dumps(row)] * 2).encode())

    assert trace.context.source_format == "wandb"


def test_an_unknown_format_is_refused_with_the_nearest():
    known = log_formats()

    assert "did you mean 'csv'" in refusal(LINES, format_name="csvv")
    assert {"csv", "json", "jsonl", "huggingface", "wandb", "trace"} <= known.keys()


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"bytes": 500}, "more than 500 bytes"),
        ({"line_bytes": 20}, "line 1 is longer than 20 bytes"),
        ({"columns": 2}, "more than 2 different names"),
        ({"values": 1}, "values that cannot be thinned"),
        ({"seconds": 0.0}, "more than 0 s of work"),
    ],
)
def test_bounds_are_held(limits, words):
    assert words in refusal(LINES, limits=IngestLimits(**limits))


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress])
def test_a_bomb_is_stopped_at_the_bound(compress):
    bomb = gzip.compress(compress(LINES + b"\n" * 2**26))

    assert "when unpacked" in refusal(bomb, limits=IngestLimits(bytes=2**20))


def test_ten_million_columns_are_refused_before_they_are_split():
    header = b"a," * 10_000_000 + b"loss\n" + b"1," * 10_000_000 + b"1\n"

    limits = IngestLimits(line_bytes=2**26)
    assert "20,000 columns" in refusal(header, format_name="csv", limits=limits)


def test_a_json_document_of_too_many_values_is_refused():
    document = b'{"loss": [' + b"1," * 5000 + b"1]}"

    assert "write a line for each step" in refusal(
        document, limits=IngestLimits(json_values=5000)
    )


def test_long_runs_are_thinned_and_keep_what_is_not_finite():
    rows = [
        {"step": n, "loss": float("nan") if n == 4321 else 1.0, "lr": 0.1}
        for n in range(10_000)
    ]
    content = "\n".join(map(json.dumps, rows)).encode()

    trace = the_trace(content, limits=IngestLimits(values=4_000))

    assert 500 < len(trace.steps) <= 2_000
    assert trace.steps[0] == 0
    assert trace.steps[-1] > 9_900
    broken = trace.steps[~(trace.series["loss"] < 2)]
    assert len(broken) == 1
    assert abs(broken[0] - 4321) < 16


def test_many_columns_over_many_steps_are_thinned_to_the_bound():
    header = ",".join(["step", *[f"grad_norm/layers.{n}" for n in range(50)]])
    lines = [",".join([str(n), *["1.0"] * 50]) for n in range(1_000)]

    trace = the_trace(
        "\n".join([header, *lines]).encode(), limits=IngestLimits(cells=10_000)
    )

    assert trace.layer_series["grad_norm"].size <= 10_000
    assert any("long run" in note for note in trace.context.notes)


def test_a_gzip_and_a_line_that_are_cut_short_are_read_as_far_as_they_go():
    packed = gzip.compress((LINES + b"\n") * 50)

    trace = the_trace(packed[:-40])

    assert any("cut short" in note for note in trace.context.notes)
    assert the_trace(LINES[:-5]).steps.tolist() == list(range(19))
    assert the_trace(b"step,loss\n1,2\n2,2\n3").steps.tolist() == [1, 2]


def test_a_column_whose_rows_were_all_replaced_is_empty():
    content = b"step,loss,other\n1,3,\n2,2,7\n3,2,\n2,1,\n3,1,\n"

    trace = the_trace(content)

    assert trace.series["loss"].tolist() == [3, 1, 1]
    assert trace.series["other"].tolist() == [None] * 3


def test_a_mapping_says_what_is_what():
    content = b"it;cost of it;g\n5;2.0;1\n6;1.5;1\n"

    trace = the_trace(
        content, mapping=parse_mapping("step:it,loss:cost of it,grad_norm:g")
    )

    assert trace.steps.tolist() == [5, 6]
    assert trace.series["loss"].tolist() == [2.0, 1.5]
    assert trace.series["grad_norm"].tolist() == [1.0, 1.0]


def test_a_mapping_finds_layers_by_a_star():
    content = b"g_a,g_b,g_c\n1,2,3\n1,2,3\n"
    mapping = parse_mapping("grad_norm:g_*", layers="c,a,b")

    trace = the_trace(content, mapping=mapping)

    assert [layer.path for layer in trace.layers] == ["c", "a", "b"]
    assert trace.layer_series["grad_norm"].tolist() == [[3, 1, 2]] * 2
    assert trace.context.layer_order == "given"


def test_a_mapping_finds_runs():
    content = b"who,step,loss\nx,0,1\ny,0,2\nx,1,1\n"

    traces = read_log(content, mapping=parse_mapping("run:who"))

    assert {trace.run: len(trace.steps) for trace in traces} == {"x": 2, "y": 1}


def test_more_runs_than_are_read_are_refused():
    content = b"who,loss\nx,1\ny,2\nz,1\n"

    with pytest.raises(IngestError, match="more than 2 runs"):
        read_log(content, mapping=parse_mapping("run:who"), limits=IngestLimits(runs=2))


def test_given_layers_that_are_not_there_are_refused():
    content = b"grad_norm/a,grad_norm/b\n1,2\n"

    assert "which has 'a', 'b'" in refusal(
        content, mapping=parse_mapping("", layers="c,d")
    )


def test_layers_without_names_get_those_that_are_given():
    content = b'{"grad_norms": [[1, 2, 3], [1, 2, 3]]}'

    trace = the_trace(content, mapping=parse_mapping("", layers="in,mid,out"))

    assert [layer.path for layer in trace.layers] == ["in", "mid", "out"]


def test_words_for_truth_and_for_nothing_are_read():
    content = b"loss,clipped\n1,true\nNA,false\n2,-\n"

    trace = the_trace(content)

    assert trace.series["loss"].tolist() == [1, None, 2]
    assert trace.series["clipped"].tolist() == [1, 0, None]


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ("loss", "not like loss:train_loss"),
        ("losss:a", "did you mean 'loss'"),
        ("loss:nothing", "the log has no 'nothing'"),
        ("forward_std:loss", "is unknown"),
        ("step:loss", "holds no steps"),
        (",".join(["loss:loss"] * 300), "more than 200 entries"),
    ],
)
def test_a_wrong_mapping_is_refused(mapping, words):
    with pytest.raises(IngestError) as caught:
        read_log(LINES, mapping=parse_mapping(mapping))

    assert words in str(caught.value)


WORDS = st.sampled_from(
    [
        *'{}[]":,\n\0',
        '{"step": 1, "loss": 2}',
        "{'loss': 1, 'epoch': 2}",
        "step,loss",
        "1,2",
        "_step",
        "-1",
        "1e999",
        "NaN",
    ]
)
FORMATS = st.sampled_from(["auto", *log_formats()])


@given(
    st.binary() | st.lists(WORDS, max_size=30).map(lambda w: "".join(w).encode()),
    FORMATS,
)
def test_any_bytes_are_read_or_refused(content, format_name):
    for data in (content, gzip.compress(content)):
        try:
            traces = read_log(data, format_name=format_name)
        except IngestError:
            continue
        assert traces


@pytest.mark.parametrize("format_name", ["auto", *log_formats()])
@pytest.mark.parametrize(
    "words",
    [
        "a",
        "a: ",
        " ",
        "{'a': ",
        "iteration 1/2 | a",
        "validation loss at iteration 1 ",
        "Epoch [1][1/2] ",
        "[step=1",
        "OVERFLOW!",
        "grad_norm_layer_1_",
        "| train_inner | {gnorm",
        "| valid on 'x' subset | gnorm",
        "| epoch 1: 1 / 2 gnorm",
    ],
)
def test_long_lines_of_nearly_right_words_are_read_in_one_pass(words, format_name):
    line = words * (2**17 // len(words))

    with pytest.raises(IngestError):
        read_log(f"{line}\n{line}\n".encode(), format_name=format_name)


def test_a_lone_number_is_no_history():
    assert "a list of rows" in refusal(b"0", format_name="wandb")
