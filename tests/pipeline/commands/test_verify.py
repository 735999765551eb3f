"""`tfx-audio verify`: a flipped byte in any record is found, and so is a copy that was made up."""

import argparse
import json

import numpy as np
import pytest

from tfx_audio.components.audio.augment.augmenter import Augmenter
from tfx_audio.components.audio.clip import Clip
from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.policy.augmentation_policy import parse_policy
from tfx_audio.components.audio.records.examples import clip_to_example, example_to_clip
from tfx_audio.components.audio.records.tfrecord import read_records, write_record
from tfx_audio.components.audio_augmenter.merkle import describe_leaves, leaf
from tfx_audio.components.open_files import match_files, read_record_file
from tfx_audio.pipeline.commands import verify as command

POLICY = parse_policy("{seed: 5, transforms: [{name: AddGaussianNoise, p: 1.0}]}")
TONES = [np.sin(np.arange(900) * (1 + i) / 9) / 3 for i in range(3)]
CLIPS = [
    example_to_clip(clip_to_example(Clip(f"{i}.wav", tone, 8000))) for i, tone in enumerate(TONES)
]


def describe_records(records):
    return describe_leaves(map(leaf, records))


def read_split(folder):
    return [record for path in match_files(folder, "*") for record in read_record_file(path)]


def write(folder, split, records):
    (folder / f"Split-{split}").mkdir(parents=True, exist_ok=True)
    with (folder / f"Split-{split}" / "data_tfrecord-0").open("wb") as file:
        for record in records:
            write_record(file, record)


def state_roots(folder):
    splits = [path.name.removeprefix("Split-") for path in folder.glob("Split-*")]
    roots = {s: describe_records(read_split(str(folder / f"Split-{s}"))) for s in splits}
    (folder / "provenance.json").write_text(json.dumps({"records": roots}))


@pytest.fixture
def artifact(tmp_path):
    augmenter = Augmenter(POLICY)
    copies = [augmenter.augment(clip, n) for clip in CLIPS for n in (1, 2)]
    write(tmp_path, "train", map(clip_to_example, [*CLIPS, *copies]))
    for name in ("clean", "noise_10db"):
        made = [augmenter.condition(clip, name) for clip in CLIPS]
        write(tmp_path, f"test_{name}", map(clip_to_example, made))
    (tmp_path / "policy.json").write_text(POLICY.to_json())
    state_roots(tmp_path)
    return tmp_path


def verify(artifact, *arguments):
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args([str(artifact), *arguments]))


def test_what_was_written_is_found_so_and_copies_come_out_again(artifact, capsys):
    assert verify(artifact, "--share", "1") == 0
    assert "15 records read, 9 copies made again" in capsys.readouterr().out
    assert verify(artifact, "--share", "0") == 0
    assert "0 copies made again" in capsys.readouterr().out


def test_a_flipped_byte_in_any_record_is_found(artifact, capsys):
    path = artifact / "Split-train" / "data_tfrecord-0"
    whole, position = path.read_bytes(), 0
    for record in list(read_records(path.open("rb"))):
        for offset in (0, 14, 12 + len(record) // 2, 12 + len(record) - 1):
            changed = bytearray(whole)
            changed[position + offset] ^= 1
            path.write_bytes(changed)
            assert verify(artifact, "--share", "0") == 1, (position, offset)
            assert "DIFFERENT train" in capsys.readouterr().out
        position += len(record) + 16


def test_a_change_with_a_right_checksum_is_found_by_the_root(artifact, capsys):
    records = list(read_split(str(artifact / "Split-train")))
    write(artifact, "train", [*records[:-1], records[-1][:-1] + bytes([records[-1][-1] ^ 1])])
    assert verify(artifact, "--share", "0") == 1
    assert "train: another root" in capsys.readouterr().out
    write(artifact, "train", records[:-1])
    assert verify(artifact, "--share", "0") == 1
    assert "8 records, 9 were written" in capsys.readouterr().out


@pytest.mark.parametrize(
    "forge",
    [
        lambda copy: copy.replace(waveform=copy.waveform * np.float32(0.5)),
        lambda copy: copy.replace(label="other"),
        lambda copy: copy.replace(group="other"),
        lambda copy: copy.replace(copy_index=7),
    ],
)
def test_a_copy_that_was_made_up_is_found_by_making_it_again(artifact, capsys, forge):
    records = list(read_split(str(artifact / "Split-train")))
    copy = example_to_clip(records[-1])
    forged = clip_to_example(forge(copy))
    write(artifact, "train", [*records[:-1], forged])
    state_roots(artifact)
    assert verify(artifact, "--share", "1") == 1
    assert f"DIFFERENT {copy.clip_id}: made again" in capsys.readouterr().out


def test_a_copy_without_its_original_is_said(artifact, capsys):
    copies = [r for r in read_split(str(artifact / "Split-train")) if example_to_clip(r).copy_index]
    for split in ("test_clean", "test_noise_10db"):
        write(artifact, split, [])
    write(artifact, "train", copies)
    state_roots(artifact)
    assert verify(artifact, "--share", "1") == 0
    assert "6 copies have no original here" in capsys.readouterr().out


def test_a_folder_without_roots_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match="expected the roots of records"):
        verify(tmp_path)


def test_a_split_that_was_added_or_is_not_stated_is_found(artifact, capsys):
    write(artifact, "eval", read_split(str(artifact / "Split-train"))[:2])
    assert verify(artifact, "--share", "0") == 1
    assert "eval: another root than was written (2 records, 0 were written)" in (
        capsys.readouterr().out
    )
    (artifact / "provenance.json").write_text('{"records": {}}')
    assert verify(artifact, "--share", "0") == 1


def test_roots_of_another_shape_are_refused(artifact):
    (artifact / "provenance.json").write_text('{"records": {"train": "x"}}')
    with pytest.raises(InvalidInput, match="expected the roots of records"):
        verify(artifact)
