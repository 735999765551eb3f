import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tfx_audio.components.artifacts import RejectedClips, SoundBanks
from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.rejection import TooManyRejected
from tfx_audio.components.sound_bank import executor
from tfx_audio.components.sound_bank.component import SoundBank
from tfx_audio.components.sound_bank.digest import bank_digest


@pytest.fixture
def folders(tmp_path):
    for bank, hz in (("street", 300), ("rooms", 500)):
        path = tmp_path / bank / "one.wav"
        path.parent.mkdir()
        tone = 0.5 * np.sin(2 * np.pi * hz * np.arange(1600) / 16000)
        soundfile.write(path, tone, 16000)
    return {bank: str(tmp_path / bank) for bank in ("street", "rooms")}


def run(banks, out, max_rejected=0.0, digest=None):
    made, rejected = SoundBanks(), RejectedClips()
    made.uri, rejected.uri = str(out / "banks"), str(out / "rejected")
    executor.Executor().Do(
        {},
        {executor.SOUND_BANKS_KEY: [made], executor.REJECTED_KEY: [rejected]},
        {
            executor.BANKS_KEY: json.dumps(banks),
            executor.BANK_DIGEST_KEY: digest or bank_digest(banks),
            executor.SAMPLE_RATE_KEY: 8000,
            executor.MAX_REJECTED_KEY: max_rejected,
            executor.FAILED_DIR_KEY: str(out / "failed"),
        },
    )
    return made, rejected


def test_every_bank_gets_its_folder_and_the_artifact_says_what_it_holds(folders, tmp_path):
    made, rejected = run(folders, tmp_path / "out")

    uri = Path(made.uri)
    assert sorted(p.name for p in uri.iterdir()) == ["banks.json", "rooms", "street"]
    assert (uri / "street/one.wav").read_bytes() != (uri / "rooms/one.wav").read_bytes()
    assert soundfile.info(uri / "street/one.wav").samplerate == 8000
    assert made.get_string_custom_property("banks") == "rooms,street"
    assert made.get_int_custom_property("sounds") == 2
    assert len(made.get_string_custom_property("digest")) == 64
    assert Path(rejected.uri, "rejected.jsonl").read_text() == ""


def test_too_many_bad_sounds_fail_the_run_and_leave_their_table(folders, tmp_path):
    Path(folders["street"], "broken.wav").write_bytes(b"RIFF no sound")

    with pytest.raises(TooManyRejected, match="unreadable: 1"):
        run(folders, tmp_path / "out")
    table = (tmp_path / "out/failed/SoundBank-rejected.jsonl").read_text()
    assert json.loads(table)["path"] == "street/broken.wav"

    _, rejected = run(folders, tmp_path / "again", max_rejected=0.5)
    assert rejected.get_int_custom_property("rejected") == 1
    assert rejected.get_int_custom_property("rejected:unreadable") == 1


def test_sounds_that_are_not_those_of_the_cache_key_are_not_published(folders, tmp_path):
    digest = bank_digest(folders)
    path = Path(folders["street"], "one.wav")
    before = path.read_bytes()
    path.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    with pytest.raises(InvalidInput, match="sound banks rooms, street: files changed"):
        run(folders, tmp_path / "out", digest=digest)
    run(folders, tmp_path / "stated", digest="version 1")
    path.write_bytes(before)
    run(folders, tmp_path / "again", digest=digest)


def test_the_components_parameters_hold_the_content(folders):
    before = SoundBank(banks=folders, sample_rate=8000).spec.exec_properties
    again = SoundBank(banks=folders, sample_rate=8000).spec.exec_properties
    Path(folders["street"], "two.wav").write_bytes(b"new")
    after = SoundBank(banks=folders, sample_rate=8000).spec.exec_properties

    assert before == again
    assert {key for key in before if before[key] != after[key]} == {"bank_digest"}


def test_no_bank_is_no_component():
    with pytest.raises(InvalidInput, match="at least one bank"):
        SoundBank(banks={}, sample_rate=8000)
