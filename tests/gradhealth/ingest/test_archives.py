"""Archives of logs: what is read from them, and what they may not do."""

import gzip
import io
import struct
import tarfile
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradhealth.ingest import IngestError, IngestLimits, read_log

TABLE = "step,loss\n0,2\n1,1\n"
FILES = {"b/log.csv": TABLE, "a/log.csv": TABLE, "README": "Nothing to see here."}


def zipped(files, method=zipfile.ZIP_DEFLATED):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        archive.mkdir("folder")
        for name, text in files.items():
            archive.writestr(name, text)
    return packed.getvalue()


def tarred(files, mode="w"):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    return packed.getvalue()


def refusal(content, **limits):
    with pytest.raises(IngestError) as caught:
        read_log(content, limits=IngestLimits(**limits))
    return str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        zipped(FILES),
        zipped(FILES, zipfile.ZIP_STORED),
        gzip.compress(zipped(FILES)),
        tarred(FILES),
        tarred(FILES, "w:gz"),
    ],
)
def test_every_log_in_an_archive_is_read(content):
    first, second = read_log(content)

    assert (first.run, second.run) == ("a/log.csv", "b/log.csv")
    assert first.series["loss"].tolist() == [2, 1]
    assert "1 other files of the archive were not read" in first.context.notes


def test_packed_members_are_unpacked():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("log.csv.gz", gzip.compress(TABLE.encode()))

    (trace,) = read_log(packed.getvalue())

    assert trace.series["loss"].tolist() == [2, 1]


def test_what_fits_less_well_is_passed_over():
    state = '{"log_history": [{"step": 1, "loss": 2.0, "epoch": 1}]}'

    (trace,) = read_log(zipped({"config.json": '{"loss": [1, 2]}', "s.json": state}))

    assert trace.context.source_format == "huggingface"


def test_a_wanted_format_is_looked_for():
    content = zipped({"a.csv": TABLE, "b.json": '{"loss": [1, 2]}'})

    (trace,) = read_log(content, format_name="json")

    assert trace.run == "b.json"
    with pytest.raises(IngestError, match="no file of the archive is in wandb"):
        read_log(content, format_name="wandb")


def test_several_formats_in_an_archive_are_read_each_in_its_own():
    traces = read_log(zipped({"a.csv": TABLE, "b.json": '{"loss": [1, 2]}'}))

    assert [trace.context.source_format for trace in traces] == ["csv", "json"]


def test_mistakes_in_an_archive_are_told_with_the_file():
    long = zipped(FILES | {"c/log.csv": "step,loss\n1,2\n1,2,3\n1,2\n"})
    words = zipped(FILES | {"c/log.csv": "step,loss\n1,2\n2,abc\n"})

    assert refusal(long) == "c/log.csv: line 3 has 3 cells, the header 2"
    assert "c/log.csv: line 3: 'loss' is 'abc'" in refusal(words)


def test_an_archive_without_logs_is_refused():
    assert "no log in a known format" in refusal(zipped({"README": "Nothing."}))
    assert "no log in a known format" in refusal(zipped({}))


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_bounds_are_held(pack):
    assert "more than 2 files" in refusal(pack(FILES), files=2)
    big = pack(FILES | {"big": " " * 2**20})
    assert "when unpacked" in refusal(big, bytes=2**20)


def test_a_zip_whose_list_of_files_is_huge_is_refused():
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 1, 1, 2**30, 0, 0)

    assert "too many files" in refusal(b"PK\x03\x04" + bytes(100) + end)


def test_a_tar_with_a_huge_name_is_refused():
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 2**21

    content = info.tobuf(tarfile.USTAR_FORMAT) + bytes(2**21 + 512)

    assert "a header of" in refusal(content)


def test_a_zip_with_a_file_without_a_name_is_refused():
    assert "cannot be read" in refusal(zipped({zipfile.ZipInfo(""): TABLE}))


def test_an_encrypted_zip_is_refused():
    content = bytearray(zipped({"log.csv": TABLE}))
    for magic, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.rindex(magic) + at] |= 1

    assert "encrypted" in refusal(bytes(content))


@pytest.mark.parametrize("pack", [zipped, tarred])
@given(data=st.data())
def test_damaged_archives_are_read_or_refused(pack, data):
    content = bytearray(pack(FILES))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.sampled_from([len(content), 1, 100, len(content) // 2]))

    try:
        traces = read_log(bytes(content[:cut]))
    except IngestError:
        return
    assert traces
