"""The exported model: three ways in, one answer; and where that answer comes from."""

import keras
import librosa
import numpy as np
import pytest
import tensorflow as tf

from tfx_audio.components.audio.clip import Clip, decode_wav, encode_wav
from tfx_audio.components.audio.records.examples import clip_to_example
from tfx_audio.pipeline.model.config import ModelConfig
from tfx_audio.pipeline.model.network import build_classifier
from tfx_audio.pipeline.model.serving import Exporter, clip_scores

RATE, WINDOW = 8_000, 3_200
LABELS = ["noise", "tone_high", "tone_low"]
CARD = {"sample_rate": RATE, "window": WINDOW, "max_windows": 8}
LENGTHS_S = (0.1, 0.4, 1.3)


@pytest.fixture(scope="module")
def classifier():
    return build_classifier(ModelConfig(), RATE, WINDOW, 3, seed=3)


@pytest.fixture(scope="module")
def signatures(classifier, transform_layer, tmp_path_factory):
    directory = str(tmp_path_factory.mktemp("exported") / "model")
    Exporter(classifier, transform_layer, LABELS, CARD).write(directory)
    model = tf.saved_model.load(directory)
    yield model.signatures
    del model


def clips():
    rng = np.random.default_rng(0)
    for seconds in LENGTHS_S:
        waveform = rng.normal(0, 0.1, int(seconds * RATE)).astype("float32")
        yield Clip(f"{seconds}", decode_wav(encode_wav(waveform, RATE))[0], RATE, label="noise")


def test_three_signatures_agree(signatures):
    examples = tf.constant([clip_to_example(clip) for clip in clips()])
    wavs = tf.constant([encode_wav(clip.waveform, RATE) for clip in clips()])

    by_example = signatures["serving_default"](examples=examples)
    by_wav = signatures["wav"](wav=wavs)
    by_waveform = [signatures["waveform"](waveform=clip.waveform[np.newaxis]) for clip in clips()]

    np.testing.assert_allclose(by_wav["scores"], by_example["scores"], atol=1e-4)
    for row, answer in enumerate(by_waveform):
        np.testing.assert_allclose(answer["scores"][0], by_example["scores"][row], atol=1e-4)
        assert answer["label"][0] == by_example["label"][row]


def test_answers_with_names_and_scores(signatures):
    wavs = tf.constant([encode_wav(clip.waveform, RATE) for clip in clips()])

    answer = {name: value.numpy() for name, value in signatures["wav"](wav=wavs).items()}

    assert answer["labels"].tolist() == [[label.encode() for label in LABELS]] * 3
    best = answer["scores"].argmax(axis=1)
    assert answer["label"].tolist() == [LABELS[i].encode() for i in best]
    np.testing.assert_array_equal(answer["score"], answer["scores"].max(axis=1))


def test_agrees_with_an_independent_path_up_to_the_log_mel(classifier, signatures):
    """NumPy and librosa from the samples to the normalised log-mel, then the network's rest."""
    clip = next(clips())
    levelled = clip.waveform * (0.5 / np.abs(clip.waveform).max())
    window = np.zeros(WINDOW, "float32")
    start = round((WINDOW - levelled.size) / 2)
    window[start : start + levelled.size] = levelled
    mel = librosa.feature.melspectrogram(
        y=window, sr=RATE, n_fft=256, hop_length=80, n_mels=40, power=1, center=False
    )
    decibel = librosa.amplitude_to_db(mel, ref=1.0, amin=1e-5, top_db=40).T
    normal = (decibel - decibel.mean()) / np.sqrt(decibel.var() + 1e-3)
    rest = keras.Model(classifier.get_layer("normalisation").output, classifier.output)
    expected = tf.nn.softmax(rest(normal[np.newaxis, :, :, np.newaxis].astype("float32")))

    scores = signatures["waveform"](waveform=clip.waveform[np.newaxis])["scores"]

    np.testing.assert_allclose(scores, expected, atol=1e-4)


def test_averages_the_windows_of_a_long_clip(classifier):
    waveform = np.random.default_rng(1).normal(size=2 * WINDOW).astype("float32")
    starts = (0, WINDOW // 2, WINDOW)
    windows = np.stack([waveform[start : start + WINDOW] for start in starts])

    scores = clip_scores(classifier, tf.RaggedTensor.from_tensor(waveform[None]), WINDOW, 8)

    expected = tf.reduce_mean(tf.nn.softmax(classifier(windows)), axis=0)
    np.testing.assert_allclose(scores[0], expected, atol=1e-6)


def test_level_and_batch_do_not_matter(signatures):
    one, *_ = clips()
    wavs = [encode_wav(clip.waveform, RATE) for clip in clips()]

    quiet = signatures["waveform"](waveform=0.1 * one.waveform[np.newaxis])["scores"]
    alone = signatures["wav"](wav=tf.constant(wavs[:1]))["scores"]
    together = signatures["wav"](wav=tf.constant(wavs))["scores"]

    np.testing.assert_allclose(quiet, alone, atol=1e-4)
    np.testing.assert_allclose(together[:1], alone, atol=1e-5)


def test_another_rate_is_an_error(signatures):
    clip = Clip("x", np.zeros(100, "float32"), 16_000, label="noise")

    with pytest.raises(tf.errors.InvalidArgumentError, match="another sample rate"):
        signatures["wav"](wav=tf.constant([encode_wav(clip.waveform, 16_000)]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="another sample rate"):
        signatures["serving_default"](examples=tf.constant([clip_to_example(clip)]))


@pytest.mark.parametrize("samples", [1, 2, 255])
def test_answers_for_the_shortest_clips(signatures, samples):
    scores = signatures["waveform"](waveform=np.ones((2, samples), "float32"))["scores"]

    assert scores.shape == (2, 3)
    assert np.isfinite(scores).all()


def test_what_says_nothing_gets_no_label(signatures):
    tone = (0.3 * np.sin(np.arange(RATE) / 5)).astype("float32")
    broken = tone.copy()
    broken[9] = np.nan
    waveforms = np.stack([tone, 0 * tone, np.full_like(tone, 1e-6), broken, tone * np.inf])
    answer = signatures["waveform"](waveform=waveforms)
    assert answer["problem"].numpy().tolist() == [
        b"", b"silent", b"silent", b"not_finite", b"not_finite",
    ]  # fmt: skip
    assert [bool(label) for label in answer["label"].numpy()] == [True] + [False] * 4
    np.testing.assert_allclose(answer["scores"][1:], 1 / 3, atol=1e-6)
    alone = signatures["waveform"](waveform=waveforms[:1])
    np.testing.assert_allclose(answer["scores"][0], alone["scores"][0], atol=1e-5)
    empty = signatures["waveform"](waveform=np.zeros((1, 0), "float32"))
    assert (empty["problem"].numpy()[0], empty["label"].numpy()[0]) == (b"empty", b"")
    silent = signatures["wav"](wav=tf.constant([encode_wav(0 * tone, RATE)]))
    assert silent["problem"].numpy().tolist() == [b"silent"]


def test_silence_is_a_class_where_the_data_says_so(classifier, transform_layer):
    exporter = Exporter(classifier, transform_layer, LABELS, {**CARD, "silent_labels": ["noise"]})
    answer = exporter.from_waveform(tf.zeros((1, RATE)))
    assert answer["problem"].numpy().tolist() == [b""]
    assert answer["label"].numpy()[0].decode() in LABELS
