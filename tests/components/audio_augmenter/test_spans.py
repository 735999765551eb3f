import gzip

import pytest

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio_augmenter import spans
from tfx_audio.components.audio_augmenter.spans import Span, count_records, plan_spans, read_span

RECORDS = [bytes([i]) * (10 * i) for i in range(8)]


def read_all(planned):
    return [record for span in planned for record in read_span(span)]


@pytest.fixture
def path(tmp_path, write_records):
    return write_records(tmp_path / "data-00000", RECORDS)


def test_spans_hold_every_record_once_and_in_order(path, monkeypatch):
    monkeypatch.setattr(spans, "MIN_SPAN_BYTES", 100)

    planned = plan_spans(str(path))

    # Frames of 16 + 10·i bytes: records 0-3 make 124 bytes, 4-5 122, 6-7 162.
    assert [(span.start, span.records, span.size) for span in planned] == [
        (0, 4, 124),
        (124, 2, 122),
        (246, 2, 162),
    ]
    assert read_all(planned) == RECORDS
    assert count_records(planned) == 8


def test_a_small_file_is_one_span(path):
    assert plan_spans(str(path)) == [Span(str(path), 0, 8, 408)]


def test_a_compressed_file_is_read_whole_and_its_records_are_not_known(path):
    compressed = path.with_name("data-00000.gz")
    compressed.write_bytes(gzip.compress(path.read_bytes()))

    planned = plan_spans(str(compressed))

    assert [span.records for span in planned] == [None]
    assert count_records(planned) is None
    assert read_all(planned) == RECORDS


def test_hidden_and_temporary_files_are_left_out(path, write_records):
    write_records(path.with_name(".data-00000.part"), RECORDS)
    write_records(path.parent / "beam-temp-data-1" / "data", RECORDS)

    assert {span.path for span in plan_spans(f"{path.parent}/**")} == {str(path)}


def test_nothing_to_read_is_the_users_to_mend(tmp_path):
    with pytest.raises(InvalidInput, match=r"no TFRecord file matches .*nothing"):
        plan_spans(f"{tmp_path}/nothing/*")


def test_a_file_that_was_cut_off_is_refused_before_anything_runs(path):
    path.write_bytes(path.read_bytes()[:-5])

    with pytest.raises(InvalidInput, match="data-00000: not a whole TFRecord file"):
        plan_spans(str(path))


def test_damaged_data_names_the_file(path):
    content = bytearray(path.read_bytes())
    content[-10] ^= 1
    path.write_bytes(content)

    with pytest.raises(ValueError, match=r"data-00000, from byte 0: a damaged TFRecord"):
        read_all(plan_spans(str(path)))


def test_a_file_that_shrank_after_planning_is_noticed(path):
    with pytest.raises(ValueError, match="found 8"):
        list(read_span(Span(str(path), 0, 9, 408)))
