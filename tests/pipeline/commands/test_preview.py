"""`tfx-audio preview`, and what it shares with the explorer: any folder, the run's own bytes."""

import argparse
import base64
import io

import numpy as np
import pytest
import soundfile

from tfx_audio.components.audio.augment.augmenter import Augmenter
from tfx_audio.components.audio.clip import encode_wav
from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.policy.augmentation_policy import parse_policy
from tfx_audio.components.audio.reading.clip_format import ClipFormat
from tfx_audio.components.audio_example_gen.config import IngestConfig
from tfx_audio.pipeline.clips.prepared_banks import prepared_banks
from tfx_audio.pipeline.clips.preview import PreviewRequest, preview_policy
from tfx_audio.pipeline.clips.sound_folder import choose_clips, list_sounds, read_clips
from tfx_audio.pipeline.commands import preview
from tfx_audio.pipeline.commands.arguments import parse_banks

POLICY = parse_policy("{seed: 3, transforms: [{name: Gain, p: 1.0}]}")


def source(path, **changes):
    return IngestConfig(path=str(path), **changes)


def write_sound(path, rate=8_000, seconds=0.25, frequency_hz=440.0):
    path.parent.mkdir(parents=True, exist_ok=True)
    time_s = np.arange(round(seconds * rate)) / rate
    soundfile.write(path, 0.4 * np.sin(2 * np.pi * frequency_hz * time_s), rate)


@pytest.fixture
def folder(tmp_path):
    for label in ("dog", "cat"):
        for number in range(4):
            write_sound(tmp_path / "data" / label / f"{number}.wav", frequency_hz=300 + 50 * number)
    return tmp_path / "data"


def arguments(*words):
    parser = argparse.ArgumentParser()
    preview.add_arguments(parser)
    return parser.parse_args(words)


def test_the_page_shows_labels_in_turn(folder, tmp_path, capsys):
    out = tmp_path / "new" / "report.html"
    status = preview.run(
        arguments("--data", str(folder), "--out", str(out), "--clips", "3", "--copies", "2")
    )
    page = out.read_text(encoding="utf-8")
    assert status == 0
    assert page.count('<article class="card"') == 3
    assert page.count("<audio") == 9
    assert "3 clips, 2 copies of each" in capsys.readouterr().out


def test_a_flat_folder_has_no_labels_and_that_is_fine(tmp_path):
    write_sound(tmp_path / "a.wav")
    write_sound(tmp_path / "b.flac")
    (tmp_path / "notes.txt").write_text("no audio")
    report = preview_policy(PreviewRequest(source(tmp_path), POLICY, "test", copies=1))
    assert [(card.label, card.source_clip_id) for card in report.families] == [
        ("", "a.wav"),
        ("", "b.flac"),
    ]


def test_one_file_will_do(tmp_path):
    write_sound(tmp_path / "a.wav")
    assert [r.path for r in list_sounds(source(tmp_path / "a.wav")).recordings] == ["a.wav"]


def test_labels_come_from_names_on_request(tmp_path):
    write_sound(tmp_path / "7_theo_0.wav")
    (recording,) = list_sounds(source(tmp_path, label_from="{label}_{speaker}_{index}")).recordings
    assert recording.rows[0].label == "7"
    with pytest.raises(InvalidInput, match="whose name fits"):
        list_sounds(source(tmp_path, label_from="{label}-{speaker}"))


def test_a_copy_is_the_copy_that_a_run_makes(folder):
    """The same clip id, stored 16 bit audio, seed and copy number: the same bytes."""
    (recording,) = [r for r in list_sounds(source(folder)).recordings if r.path == "dog/1.wav"]
    (clip,), _ = read_clips([recording], ClipFormat(8_000))
    expected = Augmenter(POLICY).augment(clip, 2)
    assert clip.clip_id == "dog/1.wav"
    report = preview_policy(
        PreviewRequest(source(folder, sample_rate=8_000), POLICY, "test", clips=8, copies=2)
    )
    (card,) = [card for card in report.families if card.source_clip_id == "dog/1.wav"]
    data = base64.b64decode(card.views[2].sound.partition("base64,")[2])
    heard, rate = soundfile.read(io.BytesIO(data), dtype="float32")
    assert encode_wav(heard, rate) == encode_wav(expected.waveform, 8_000)


def test_the_choice_of_clips_is_fair_and_the_same_every_time(folder):
    recordings = list_sounds(source(folder)).recordings
    chosen = choose_clips(reversed(recordings), 4)
    assert [r.rows[0].label for r in chosen] == ["cat", "cat", "dog", "dog"]
    assert chosen == choose_clips(recordings, 4)


def test_the_rate_follows_the_headers(folder):
    write_sound(folder / "dog/other.wav", rate=16_000)
    sounds = list_sounds(source(folder))
    assert sounds.clip_format().sample_rate == 8_000
    clips, _ = read_clips(sounds.recordings, ClipFormat(8_000))
    assert {(clip.sample_rate, len(clip.waveform)) for clip in clips} == {(8_000, 2_000)}


def test_a_rate_that_no_clip_may_have_does_not_count(folder):
    for number in range(20):
        header = bytearray((folder / "dog/0.wav").read_bytes())
        header[24:28] = (1).to_bytes(4, "little")
        (folder / f"dog/lying{number}.wav").write_bytes(header)

    assert list_sounds(source(folder)).clip_format().sample_rate == 8_000


def test_ultrasound_is_shown_and_heard(tmp_path):
    write_sound(tmp_path / "bat.wav", rate=384_001)

    report = preview_policy(PreviewRequest(source(tmp_path / "bat.wav"), POLICY, "gain"))

    assert len(report.families) == 1


def test_a_broken_file_is_named_and_the_others_are_shown(folder):
    (folder / "dog" / "broken.wav").write_bytes(b"RIFF\x00\x00\x00\x00WAVEnothing")
    report = preview_policy(PreviewRequest(source(folder), POLICY, "test", clips=9, copies=1))
    assert len(report.families) == 8
    assert [row.path for row in report.rejected] == ["dog/broken.wav"]


def test_a_copy_that_fails_leaves_the_others(folder):
    policy = parse_policy(
        "{level: reject, transforms: [{name: Gain, min_gain_db: 40, max_gain_db: 40, p: 0.5}]}"
    )
    report = preview_policy(PreviewRequest(source(folder), policy, "test", clips=2, copies=4))
    made = sum(len(card.views) - 1 for card in report.families)
    assert made + len(report.rejected) == 8
    assert {row.reason for row in report.rejected} == {"over_full_scale"}


def test_sound_banks_are_prepared_as_the_component_prepares_them(folder, tmp_path):
    write_sound(tmp_path / "bank" / "deep" / "rain.wav", rate=16_000)
    policy = parse_policy("{transforms: [{name: AddBackgroundNoise, sounds: rain, p: 1.0}]}")
    banks = parse_banks([f"rain={tmp_path / 'bank'}"])
    with prepared_banks(policy, banks, 8_000) as (prepared, _):
        info = soundfile.info(f"{prepared['rain']}/deep/rain.wav")
    assert (info.samplerate, info.subtype) == (8_000, "PCM_16")
    report = preview_policy(
        PreviewRequest(source(folder), policy, "test", clips=1, copies=1, sound_banks=banks)
    )
    drawn = report.families[0].views[1].steps[0].parameters
    assert drawn["noise_file_path"] == "rain/deep/rain.wav"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--data", "{data}", "--clips", "0"], "--clips must be at least 1"),
        (["--data", "{data}/nowhere"], "nowhere"),
        (["--data", "{data}", "--policy", "clasic"], "classic"),
        (["--data", "{data}", "--sound-bank", "rain"], "NAME=VALUE"),
        (["--data", "{data}", "--sound-bank", "rain=/no/such"], "no folder"),
        (["--data", "{empty}"], "found none"),
        (["--data", "{data}", "--out", "{data}/dog/0.wav/x.html"], "can't be written"),
    ],
)
def test_what_the_user_can_mend_is_one_message(folder, tmp_path, words, message):
    (tmp_path / "empty").mkdir()
    filled = [word.format(data=folder, empty=tmp_path / "empty") for word in words]
    with pytest.raises(InvalidInput, match=message):
        preview.run(arguments(*filled))


def test_links_out_of_the_folder_are_set_aside_by_name(tmp_path):
    write_sound(tmp_path / "elsewhere" / "b.wav")
    write_sound(tmp_path / "sounds" / "a.wav")
    (tmp_path / "sounds" / "b.wav").symlink_to(tmp_path / "elsewhere" / "b.wav")
    recordings, (left_out,), _ = list_sounds(source(tmp_path / "sounds"))
    assert [one.path for one in recordings] == ["a.wav"]
    assert (left_out.path, left_out.reason) == ("b.wav", "outside_roots")
    (tmp_path / "sounds" / "a.wav").unlink()
    with pytest.raises(InvalidInput, match=r"1 can't be used: .* lies outside the data root"):
        list_sounds(source(tmp_path / "sounds"))


def test_a_label_that_no_clip_has_is_refused(folder):
    policy = parse_policy("{transforms: [{name: Gain}], labels: {cart: {Gain: off}}}")
    with pytest.raises(InvalidInput, match="cart"):
        preview_policy(PreviewRequest(source(folder), policy, "test"))
