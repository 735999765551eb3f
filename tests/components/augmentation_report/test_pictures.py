"""Pictures say what the numbers say."""

import io

import numpy as np
from PIL import Image

from tfx_audio.components.augmentation_report.pictures import (
    MAX_MEL_COLUMNS,
    WAVEFORM_COLUMNS,
    mel_png,
    waveform_path,
)


def picture(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def heights(path):
    points = [point.split() for point in path.strip("MZ").split("L")]
    return [float(y) for _, y in points]


def test_full_scale_fills_the_waveform_and_silence_is_its_middle():
    loud = heights(waveform_path(np.tile(np.float32([1, -1]), 480)))
    assert (min(loud), max(loud)) == (0.5, 63.5)
    assert set(heights(waveform_path(np.zeros(480, np.float32)))) == {32.0}


def test_half_the_amplitude_is_half_the_height():
    half = heights(waveform_path(np.tile(np.float32([0.5, -0.5]), 480)))
    assert (min(half), max(half)) == (16.2, 47.8)  # three digits are written


def test_a_waveform_has_two_points_a_column_however_long():
    assert waveform_path(np.zeros(100_000, np.float32)).count("L") == 2 * WAVEFORM_COLUMNS - 1
    assert waveform_path(np.zeros(1, np.float32)).count("L") == 1
    assert waveform_path(np.zeros(0, np.float32)) == "M0 32H240"


def test_low_bands_are_at_the_bottom_and_loud_is_bright():
    mel = np.zeros((5, 3), np.float32)
    mel[:, 0] = 1.0
    pixels = picture(mel_png(mel, 0.0, 1.0))
    assert pixels.shape == (3, 5, 3)
    assert pixels[2].sum() > pixels[0].sum()
    assert (pixels[2, 0], pixels[0, 0])[0].tolist() == [254, 246, 200]


def test_long_clips_are_averaged_not_cut():
    mel = np.zeros((4 * MAX_MEL_COLUMNS, 2), np.float32)
    mel[-1] = 4.0
    pixels = picture(mel_png(mel, 0.0, 1.0))
    assert pixels.shape[1] == MAX_MEL_COLUMNS
    assert pixels[0, -1].tolist() == [254, 246, 200]
    assert (pixels[0, :-1] == pixels[0, 0]).all()


def test_a_picture_can_be_drawn_larger():
    assert picture(mel_png(np.zeros((5, 3)), 0.0, 0.0, size=(50, 30))).shape == (30, 50, 3)


def test_what_comes_late_is_drawn_to_the_right():
    click = np.zeros(1_000, np.float32)
    click[749] = 1.0
    points = [point.split() for point in waveform_path(click).strip("MZ").split("L")]
    ((x, _),) = [(float(px), py) for px, py in points if float(py) == 0.5]
    assert 178 < x < 181  # three quarters of 240
