"""The page's logic, run by Streamlit's own test driver, without a browser."""

import sys
from importlib import resources

import numpy as np
import pytest
import soundfile
from streamlit.testing.v1 import AppTest

from tfx_audio.components.audio.augment.augmenter import Augmenter
from tfx_audio.components.audio.policy.augmentation_policy import parse_policy
from tfx_audio.components.audio_example_gen.config import IngestConfig
from tfx_audio.components.audio_example_gen.listing.recordings import list_recordings
from tfx_audio.components.audio_example_gen.stored_clips import read_recording
from tfx_audio.pipeline.commands import explore
from tfx_audio.pipeline.explorer import result_views
from tfx_audio.pipeline.explorer.messages import as_text

PAGE = str(resources.files("tfx_audio.pipeline.explorer") / "explorer_page.py")


@pytest.fixture
def page(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["explorer_page.py"])
    return AppTest.from_file(PAGE, default_timeout=60).run()


def headings(page):
    return [m.value for m in page.markdown if m.value.startswith("**")]


def policy_text(page):
    return next(code.value for code in page.code if "transforms:" in code.value)


def test_it_begins_with_a_preset_and_a_sound(page):
    assert not page.exception
    assert not page.error
    assert any("PitchShift" in heading for heading in headings(page))
    assert "original" in "".join(headings(page))
    assert parse_policy(policy_text(page)).copies_per_clip == 2


def test_adding_and_removing_a_transform_changes_the_policy(page):
    add = next(box for box in page.selectbox if box.label == "Add a transform")
    page = add.select("Reverse").run()
    assert not page.exception
    assert parse_policy(policy_text(page)).transforms[-1].name == "Reverse"
    assert any("after 4. Reverse" in heading for heading in headings(page))
    removes = [button for button in page.button if button.label == "Remove"]
    page = removes[0].click().run()
    assert [spec.name for spec in parse_policy(policy_text(page)).transforms] == [
        "Shift",
        "AddGaussianNoise",
        "Reverse",
    ]


def test_a_slider_sets_its_parameters(page):
    slider = next(slider for slider in page.slider if slider.label == "semitones")
    page = slider.set_range(-1.0, 2.0).run()
    parameters = parse_policy(policy_text(page)).transforms[0].parameters
    assert (parameters["min_semitones"], parameters["max_semitones"]) == (-1.0, 2.0)


def test_an_empty_group_and_a_missing_bank_are_explained(page):
    add = next(box for box in page.selectbox if box.label == "Add a transform")
    page = add.select("OneOf").run()
    assert not page.exception
    assert "transforms" in page.error[0].value
    inner = next(box for box in page.selectbox if "group" in box.label)
    page = inner.select("AddBackgroundNoise").run()
    assert not page.exception
    assert "sound bank" in page.error[0].value


def test_a_message_is_text_and_never_markup():
    evil = "no transform ![x](http://elsewhere/x.png) <b> `code` $x$ :red[y]"
    shown = as_text(evil)
    assert "![" not in shown
    assert "](" not in shown
    assert shown.replace("\\", "") == evil


def test_it_listens_on_this_machine_only_and_sends_nothing():
    import argparse

    parser = argparse.ArgumentParser()
    explore.add_arguments(parser)
    words = explore.command(parser.parse_args(["--data", "my sounds"]))
    assert "--server.address=127.0.0.1" in words
    assert "--browser.gatherUsageStats=false" in words
    assert "--server.maxUploadSize=25" in words
    assert "--data=my sounds" in words


def test_a_clip_of_a_manifest_is_the_one_that_a_run_reads(tmp_path, monkeypatch):
    """The manifest's id, label and span, not the whole file under its path: so the same copies."""
    rate = 8_000
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 2 * rate)
    soundfile.write(tmp_path / "long.wav", noise, rate)
    rows = ("long.wav,dog,first,0.25,0.75", "long.wav,cat,second,1.0,1.25")
    manifest = "file_name,label,id,start,end\n" + "\n".join(rows) + "\n"
    (tmp_path / "metadata.csv").write_text(manifest)
    heard = []
    monkeypatch.setattr(result_views, "show_results", lambda *shown: heard.append(shown))
    monkeypatch.setattr(sys, "argv", ["explorer_page.py", "--data", str(tmp_path)])

    page = AppTest.from_file(PAGE, default_timeout=60).run()
    page.selectbox(key="clip").select("second").run()

    config = IngestConfig(path=str(tmp_path))
    (recording,) = list_recordings(config).recordings
    _, second = read_recording(recording, config.clip_format(rate))
    (_, policy, clip, _) = heard[-1]
    assert (clip.clip_id, clip.label, clip.waveform.shape) == ("second", "cat", (2_000,))
    expected = Augmenter(policy).augment(second.clip, 1)
    np.testing.assert_array_equal(Augmenter(policy).augment(clip, 1).waveform, expected.waveform)
