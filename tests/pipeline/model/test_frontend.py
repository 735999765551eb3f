"""The front end against librosa, and what it derives, pads and keeps."""

import dataclasses

import keras
import librosa
import numpy as np
import pytest
import tensorflow as tf

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio.features import Frontend
from tfx_audio.pipeline.model.config import FrontendConfig
from tfx_audio.pipeline.model.frontend import ClipNormalisation, LogMel

RATE = 16_000
RNG = np.random.default_rng(0)
WAVEFORM = (0.3 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)).astype("float32")
WAVEFORM += RNG.normal(0, 0.01, RATE).astype("float32")


def librosa_log_mel(waveform, config):
    mel = librosa.feature.melspectrogram(
        y=waveform,
        sr=config.sample_rate,
        n_fft=config.n_fft,
        win_length=config.win_length,
        hop_length=config.hop_length,
        n_mels=config.n_mels,
        fmin=config.f_min_hz,
        fmax=config.f_max_hz,
        power=config.power,
        center=False,
    )
    to_db = librosa.amplitude_to_db if config.power == 1 else librosa.power_to_db
    floor = {"amin": 1e-5 if config.power == 1 else 1e-10}
    return to_db(mel, ref=1.0, top_db=config.dynamic_range_db, **floor).T


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("dynamic_range_db", [40.0, 80.0])
def test_equals_librosa(power, dynamic_range_db):
    settings = FrontendConfig(power=power, dynamic_range_db=dynamic_range_db, f_min_hz=50)
    config = Frontend.derive(RATE, settings)

    log_mel = LogMel(config)(WAVEFORM[np.newaxis])

    expected = librosa_log_mel(WAVEFORM, config)
    assert log_mel.shape == (1, *expected.shape, 1)
    np.testing.assert_allclose(log_mel[0, :, :, 0], expected, atol=2e-3)


def test_a_window_below_n_fft_starts_where_librosas_is_centred():
    config = Frontend.derive(RATE, FrontendConfig(n_fft=512, win_length=400))
    shift = (512 - 400) // 2
    padded = np.concatenate([np.zeros(shift, "float32"), WAVEFORM, np.zeros(shift, "float32")])

    log_mel = LogMel(config)(WAVEFORM[np.newaxis])

    expected = librosa_log_mel(padded, config)
    np.testing.assert_allclose(log_mel[0, :, :, 0], expected, atol=2e-3)


@pytest.mark.parametrize(
    ("rate", "n_fft", "hop"), [(8_000, 256, 80), (16_000, 512, 160), (44_100, 1024, 441)]
)
def test_derives_sizes_from_the_sample_rate(rate, n_fft, hop):
    config = Frontend.derive(rate, FrontendConfig())

    assert (config.n_fft, config.win_length, config.hop_length) == (n_fft, n_fft, hop)
    assert config.f_max_hz == rate / 2


def test_is_frozen():
    config = Frontend.derive(RATE, FrontendConfig())

    with pytest.raises(dataclasses.FrozenInstanceError):
        config.n_fft = 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_fft": 256, "win_length": 400}, "win_length must be at most n_fft"),
        ({"n_fft": 256, "hop_length": 300}, "hop_length must be at most win_length"),
        ({"f_max_hz": 9000}, "half the sample rate"),
        ({"n_fft": 256, "n_mels": 128}, "bands without a frequency"),
    ],
)
def test_refuses_values_that_do_not_fit(settings, message):
    with pytest.raises(InvalidInput, match=message):
        Frontend.derive(RATE, FrontendConfig(**settings)).checked()


@pytest.mark.parametrize("samples", [1, 100, 511, 512, 513])
def test_a_clip_shorter_than_a_window_is_padded(samples):
    config = Frontend.derive(RATE, FrontendConfig())
    clip = WAVEFORM[np.newaxis, :samples]
    layer = LogMel(config)

    log_mel = layer(clip)

    assert log_mel.shape == (1, config.num_frames(samples), config.n_mels, 1)
    padded = np.zeros((1, max(samples, 512)), "float32")
    padded[:, :samples] = clip
    np.testing.assert_allclose(log_mel, layer(padded), atol=1e-4)
    assert np.isfinite(log_mel).all()


def test_silence_is_finite_and_becomes_zero():
    layer = LogMel(Frontend.derive(RATE, FrontendConfig()))

    log_mel = layer(np.zeros((2, RATE), "float32"))

    np.testing.assert_allclose(log_mel, -100.0, atol=1e-4)
    np.testing.assert_allclose(ClipNormalisation()(log_mel), 0.0, atol=1e-5)


def test_works_on_batches_of_any_length_in_a_graph():
    layer = LogMel(Frontend.derive(RATE, FrontendConfig()))
    spec = [tf.TensorSpec([None, None], tf.float32)]
    call = tf.function(layer, input_signature=spec)

    assert call(np.zeros((2, 100), "float32")).shape == (2, 1, 40, 1)
    assert call(np.zeros((3, RATE), "float32")).shape == (3, 97, 40, 1)


def test_computes_in_float32_under_mixed_precision():
    config = Frontend.derive(RATE, FrontendConfig())
    expected = LogMel(config)(WAVEFORM[np.newaxis])
    keras.config.set_dtype_policy("mixed_float16")
    try:
        log_mel = LogMel(config)(WAVEFORM[np.newaxis])
        normal = ClipNormalisation()(log_mel)
    finally:
        keras.config.set_dtype_policy("float32")

    assert log_mel.dtype == tf.float32
    np.testing.assert_array_equal(log_mel, expected)
    assert normal.dtype == tf.float16
    np.testing.assert_allclose(np.std(normal.numpy().astype("float32")), 1.0, atol=1e-2)


def test_saved_and_loaded_gives_the_same(tmp_path):
    inputs = keras.Input((RATE,))
    config = Frontend.derive(RATE, FrontendConfig(n_mels=20))
    model = keras.Model(inputs, ClipNormalisation()(LogMel(config)(inputs)))
    model.save(tmp_path / "model.keras")
    model.export(tmp_path / "saved", verbose=False)

    loaded = keras.saving.load_model(tmp_path / "model.keras")
    served = tf.saved_model.load(str(tmp_path / "saved")).serve

    expected = model(WAVEFORM[np.newaxis])
    np.testing.assert_array_equal(loaded(WAVEFORM[np.newaxis]), expected)
    np.testing.assert_allclose(served(WAVEFORM[np.newaxis]), expected, atol=1e-6)
    assert loaded.layers[1].config == config


def test_each_clip_gets_zero_mean_and_unit_variance():
    values = RNG.normal(5, [[[1.0]], [[9.0]]], size=(2, 30, 20)).astype("float32")[..., np.newaxis]

    normal = np.asarray(ClipNormalisation()(values))

    np.testing.assert_allclose(normal.mean(axis=(1, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(normal.std(axis=(1, 2, 3)), 1, atol=1e-3)
