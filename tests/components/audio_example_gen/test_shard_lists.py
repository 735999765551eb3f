"""Recordings dealt out to shards, through files."""

import pickle

import pytest

from tfx_audio.components.audio.reading.record_features import RecordFeatures
from tfx_audio.components.audio.reading.recording import Recording, Row
from tfx_audio.components.audio_example_gen.shard_lists import deal


@pytest.mark.parametrize(("count", "shards"), [(1, 1), (60, 1), (320, 10), (5000, 16), (20000, 39)])
def test_deal_gives_each_recording_to_one_shard(tmp_path, count, shards):
    recordings = [Recording(str(i), str(i), (Row(str(i), "x"),)) for i in range(count)]
    dealt = deal(recordings, str(tmp_path))
    assert len(dealt) == shards
    read = [shard.recordings() for shard in dealt]
    assert sorted((r for some in read for r in some), key=lambda r: int(r.path)) == recordings
    assert max(map(len, read)) - min(map(len, read)) <= 1


def test_the_shards_of_a_job_take_no_more_room_for_more_recordings(tmp_path):
    def size(count):
        recordings = [Recording(str(i), str(i), (Row(str(i), "x"),)) for i in range(count)]
        return len(pickle.dumps(deal(recordings, str(tmp_path))))

    assert size(600) == size(6000)


def test_a_shard_has_its_recordings_as_they_were(tmp_path):
    features = RecordFeatures("audio", "label", fields=("a", "b"), label_names=("x\n", "\u2028"))
    rows = (
        Row("a b\nc", "ä", "g", "train", 0.1, None, {"z": "1", "a": "\x1f"}),
        Row("id", "x", end_s=1 / 3),
    )
    recordings = [
        Recording("/data/a\r\u2029.wav", "a", rows, 7, False, True, roots=("/data",)),
        Recording("b", "b", (), split="eval", features=features),
    ]
    read = [r for shard in deal(recordings, str(tmp_path)) for r in shard.recordings()]
    assert sorted(map(repr, read)) == sorted(map(repr, recordings))
