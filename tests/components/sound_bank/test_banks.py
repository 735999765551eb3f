import json
import os

import numpy as np
import pytest
import soundfile

from tfx_audio.components.audio.augment.augmenter import Augmenter
from tfx_audio.components.audio.clip import Clip, decode_wav
from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.policy.augmentation_policy import parse_policy
from tfx_audio.components.sound_bank.banks import combined_digest, describe, prepare_bank
from tfx_audio.components.sound_bank.digest import bank_digest


def write_sound(path, level=0.5, rate=16000, seconds=0.5, channels=1):
    path.parent.mkdir(parents=True, exist_ok=True)
    time_s = np.arange(int(rate * seconds)) / rate
    tone = level * np.sin(2 * np.pi * 440 * time_s)
    soundfile.write(path, np.stack([tone] * channels, axis=1), rate, subtype="FLOAT")


@pytest.fixture
def folder(tmp_path):
    write_sound(tmp_path / "street/car.wav")
    write_sound(tmp_path / "street/far/bus.wav", level=0.25, channels=2)
    return tmp_path / "street"


def test_sounds_are_stored_mono_at_the_sample_rate_under_their_own_names(folder, tmp_path):
    contents = prepare_bank("street", str(folder), str(tmp_path / "out"), 8000)

    assert contents.files == 2
    assert contents.duration_s == 1.0
    for name, level in (("car.wav", 0.5), ("far/bus.wav", 0.25)):
        waveform, rate = decode_wav((tmp_path / "out" / name).read_bytes())
        assert (rate, waveform.shape) == (8000, (4000,))
        assert np.abs(waveform[500:-500]).max() == pytest.approx(level, rel=0.02)


def test_a_sound_above_full_scale_is_turned_down_and_not_cut_off(tmp_path):
    write_sound(tmp_path / "bank/loud.wav", level=4.0)

    prepare_bank("bank", str(tmp_path / "bank"), str(tmp_path / "out"), 16000)

    waveform, _ = decode_wav((tmp_path / "out/loud.wav").read_bytes())
    time_s = np.arange(8000) / 16000
    assert np.allclose(waveform, np.sin(2 * np.pi * 440 * time_s), atol=1e-3)


def test_what_cannot_be_used_is_rejected_with_its_reason(folder, tmp_path):
    write_sound(folder / "silent.wav", level=0.0)
    (folder / "broken.wav").write_bytes(b"RIFF no sound")

    contents = prepare_bank("street", str(folder), str(tmp_path / "out"), 16000)

    assert contents.files == 2
    assert {(r.path, r.reason, r.stage) for r in contents.rejected} == {
        ("street/silent.wav", "silent", "sound_bank"),
        ("street/broken.wav", "unreadable", "sound_bank"),
    }


def test_a_bank_without_a_usable_sound_is_refused(tmp_path):
    write_sound(tmp_path / "bank/silent.wav", level=0.0)

    with pytest.raises(InvalidInput, match=r"'bank': no file of .* can be used"):
        prepare_bank("bank", str(tmp_path / "bank"), str(tmp_path / "out"), 16000)


@pytest.mark.parametrize("name", ["nothing", "street/../empty"])
def test_a_folder_without_sounds_is_refused(folder, tmp_path, name):
    (tmp_path / "empty").mkdir()

    with pytest.raises(InvalidInput, match="sound bank 'street': expected a folder with audio"):
        bank_digest({"street": str(tmp_path / name)})


def test_the_digest_is_of_names_and_content(folder):
    before = bank_digest({"street": str(folder)})

    assert bank_digest({"street": f"{folder}/"}) == before
    assert bank_digest({"road": str(folder)}) != before
    stamp = (folder / "car.wav").stat()
    content = bytearray((folder / "car.wav").read_bytes())
    content[-1] ^= 1
    (folder / "car.wav").write_bytes(content)
    os.utime(folder / "car.wav", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert bank_digest({"street": str(folder)}) != before


def test_prepared_banks_are_described(folder, tmp_path):
    contents = {"street": prepare_bank("street", str(folder), str(tmp_path / "out"), 16000)}

    described = json.loads(describe(contents, 16000))
    assert described["sample_rate"] == 16000
    assert described["banks"]["street"]["files"] == 2
    again = {"street": prepare_bank("street", str(folder), str(tmp_path / "out2"), 16000)}
    assert combined_digest(contents) == combined_digest(again)


@pytest.mark.parametrize(
    ("name", "subtype"),
    [("a.oga", "VORBIS"), ("a.au", "PCM_16"), ("a.opus", "OPUS"), ("a.w64", "PCM_16")],
)
def test_the_component_and_the_augmenter_take_the_same_files_for_sounds(tmp_path, name, subtype):
    folder = tmp_path / "bank"
    folder.mkdir()
    sound = np.random.default_rng(0).uniform(-0.1, 0.1, 16000)
    kind = {".oga": "OGG", ".opus": "OGG", ".au": "AU", ".w64": "W64"}[(folder / name).suffix]
    soundfile.write(folder / name, sound, 16000, subtype=subtype, format=kind)
    (folder / f"._{name}").write_bytes(b"what macOS keeps beside a file")
    policy = parse_policy("transforms: [{name: AddBackgroundNoise, sounds: street, p: 1.0}]")

    contents = prepare_bank("street", str(folder), str(tmp_path / "out"), 16000)

    assert (contents.files, contents.rejected) == (1, ())
    clip = Clip("a", np.full(1600, 0.1, np.float32), 16000)
    copy = Augmenter(policy, {"street": str(folder)}).augment(clip, 1)
    drawn = json.loads(copy.augmentation)["transforms"][0]["parameters"]
    assert drawn["noise_file_path"] == f"street/{name}"
