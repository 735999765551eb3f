"""A training killed by SIGKILL at random moments ends where an undisturbed one ends."""

import json
import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf

from tfx_audio.components.audio.clip import Clip
from tfx_audio.components.audio.records.examples import clip_to_example

pytestmark = pytest.mark.e2e

KILLS = int(os.environ.get("TFX_AUDIO_KILLS", "3"))
EPOCHS, BATCHES_PER_EPOCH = 8, 3
TRAINING = """
import json, sys
import keras
import numpy as np
import tensorflow as tf
from tfx_audio.pipeline.model.checkpoint import Checkpoint
from tfx_audio.pipeline.model.config import ModelConfig, TrainConfig
from tfx_audio.pipeline.model.inputs import decoded_clips, read_examples
from tfx_audio.pipeline.model.preprocessing import decode, normalise_level
from tfx_audio.pipeline.model.training import ClipData, train

records, directory, out, epochs, mixing = sys.argv[1:]

def transform(features):
    waveform = normalise_level(decode(features["audio"], features["sample_rate"]))
    return {"waveform": waveform, "label_id": tf.strings.to_number(features["label"], tf.int64)}

clips = decoded_clips(read_examples([records]), transform).cache()
data = ClipData(clips, clips, 60, 8000, 1600, 3)
config = TrainConfig(epochs=int(epochs), batch_size=20, seed=1, mixing=mixing)
print("training", flush=True)
def say(batch, logs):
    print("batch", flush=True)

tell = keras.callbacks.LambdaCallback(on_train_batch_end=say)
trained = train(ModelConfig(), config, data, Checkpoint(directory), (tell,))
with open(out, "w") as file:
    weights = [float(np.abs(weight).sum()) for weight in trained.model.get_weights()]
    state = trained.state
    epochs = [state.epoch, len(state.history), state.best_epoch]
    json.dump([*epochs, state.best_accuracy, weights], file)
"""


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    path = tmp_path_factory.mktemp("records") / "clips"
    rng = np.random.default_rng(0)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for index in range(60):
            tone = np.sin(2 * np.pi * 400 * (1 + index % 3) * np.arange(1600) / 8000)
            waveform = (0.3 * tone + rng.normal(0, 0.2, 1600)).astype("float32")
            writer.write(clip_to_example(Clip(f"{index}", waveform, 8000, str(index % 3))))
    return path


def start(records, root, name, mixing):
    """Start a training and return it once it begins, imports apart."""
    arguments = [str(records), str(root / "checkpoint"), str(root / name), str(EPOCHS), mixing]
    process = subprocess.Popen(
        [sys.executable, "-c", TRAINING, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    while process.stdout.readline().strip() not in ("training", ""):
        pass
    return process


@pytest.fixture(scope="module")
def mixing(request):
    return request.param


@pytest.fixture(scope="module")
def undisturbed(records, mixing, tmp_path_factory):
    root = tmp_path_factory.mktemp("undisturbed")
    assert start(records, root, "out.json", mixing).wait() == 0
    return json.loads((root / "out.json").read_text())


@pytest.mark.parametrize(
    ("mixing", "run"),
    [*(("none", run) for run in range(KILLS)), ("mixup", 0), ("between_class", 0)],
    indirect=["mixing"],
    scope="module",
)
def test_ends_the_same_after_kills_at_random_times(records, mixing, undisturbed, tmp_path, run):
    draw = random.Random(run)
    batches = EPOCHS * BATCHES_PER_EPOCH
    for last in (batches * 2 // 3, batches // 4):  # the second training goes on where it can
        process = start(records, tmp_path, "out.json", mixing)
        for _ in range(draw.randrange(1, last)):
            assert process.stdout.readline() == "batch\n"
        time.sleep(draw.uniform(0, 0.02))
        process.kill()
        assert process.wait() == -signal.SIGKILL
    assert start(records, tmp_path, "out.json", mixing).wait() == 0

    ended = json.loads((tmp_path / "out.json").read_text())

    assert ended[:3] == undisturbed[:3]
    assert ended[3] == pytest.approx(undisturbed[3])
    np.testing.assert_allclose(ended[4], undisturbed[4], rtol=1e-4)
