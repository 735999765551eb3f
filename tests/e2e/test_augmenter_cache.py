"""What re-runs SoundBank and AudioAugmenter and what does not, read from ML Metadata.

Every step really edits a file: the policy, a sound, a source line. The code runs from a copy of
the package, so that the checkout stays as it is.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tfx_audio.components.audio.clip import Clip, encode_wav
from tfx_audio.components.audio.records.examples import clip_to_example, parse_features
from tfx_audio.components.audio.records.tfrecord import write_record
from tfx_audio.components.audio_augmenter.spans import plan_spans, read_span

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]
REPOSITORY = Path(__file__).resolve().parents[2]
AUGMENTER = "lib/tfx_audio/components/audio/augment/augmenter.py"
POLICY = """
seed: 0
copies_per_clip: 1
conditions: {}
transforms:
  - {name: AddBackgroundNoise, sounds: street, min_snr_db: 10, max_snr_db: 20, p: 1.0}
"""
RUNNER = """
import json, os, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
from ml_metadata.proto import metadata_store_pb2 as mlmd
from tfx.components.example_gen.import_example_gen.component import ImportExampleGen
from tfx.orchestration import metadata, pipeline
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.proto import example_gen_pb2
import tfx_audio.components.code_digest
from tfx_audio import AudioAugmenter, SoundBank
from tfx_audio.pipeline.beam.runtime_args import by_environment

root, beam_args = sys.argv[1], sys.argv[2:]
assert tfx_audio.components.code_digest.__file__.startswith(root), "not the copy"
split = example_gen_pb2.Input.Split(name="train", pattern="*")
examples = ImportExampleGen(
    input_base=f"{root}/in", input_config=example_gen_pb2.Input(splits=[split]),
    output_config=example_gen_pb2.Output(),
)
banks = SoundBank(banks={"street": f"{root}/street"}, sample_rate=8000)
augmenter = AudioAugmenter(
    examples=examples.outputs["examples"],
    policy=f"{root}/policy.yaml",
    sound_banks=banks.outputs["sound_banks"],
)
beam_args = ["--runner=DirectRunner", "--sdk_container_image=unused", *beam_args]
augmenter.with_beam_pipeline_args(by_environment(augmenter.id, beam_args))
connection = metadata.sqlite_metadata_connection_config(f"{root}/metadata.sqlite")
LocalDagRunner().run(
    pipeline.Pipeline(
        "cache", f"{root}/artifacts", components=[examples, banks, augmenter], enable_cache=True,
        metadata_connection_config=connection,
    )
)
with metadata.Metadata(connection) as handle:
    names = {t.id: t.name.rpartition(".")[2] for t in handle.store.get_execution_types()}
    last = {}
    for execution in sorted(handle.store.get_executions(), key=lambda e: e.id):
        state = mlmd.Execution.State.Name(execution.last_known_state)
        last[names[execution.type_id]] = (state, execution.id)
    outputs = [
        a.uri for e in [last["AudioAugmenter"][1]] for event in
        handle.store.get_events_by_execution_ids([e]) if event.type == mlmd.Event.OUTPUT
        for a in handle.store.get_artifacts_by_id([event.artifact_id])
    ]
print("STATES", json.dumps({"states": {k: v[0] for k, v in last.items()}, "outputs": outputs}))
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A folder with data, a bank, a policy, the runner and a copy of the package."""
    root = tmp_path_factory.mktemp("cache")
    rng = np.random.default_rng(0)
    (root / "in").mkdir()
    with (root / "in/clips").open("wb") as file:
        for index in range(12):
            noise = rng.uniform(-0.3, 0.3, 1600).astype(np.float32)
            write_record(file, clip_to_example(Clip(f"{index}.wav", noise, 8000, label="a")))
    (root / "street").mkdir()
    write_sound(root / "street/one.wav", 300)
    (root / "policy.yaml").write_text(POLICY)
    (root / "run.py").write_text(RUNNER)
    skipped = shutil.ignore_patterns("__pycache__")
    shutil.copytree(REPOSITORY / "src/tfx_audio", root / "lib/tfx_audio", ignore=skipped)
    return root


def write_sound(path, hz):
    tone = 0.5 * np.sin(2 * np.pi * hz * np.arange(8000) / 8000)
    path.write_bytes(encode_wav(tone.astype(np.float32), 8000))


def command(root, *beam_args):
    environment = os.environ | {"PYTHONPATH": str(root / "lib"), "PYTHONWARNINGS": "ignore"}
    return {"args": [sys.executable, str(root / "run.py"), str(root), *beam_args],
            "env": environment, "cwd": root}  # fmt: skip


def run(root, *beam_args):
    """Run the pipeline; return ``(SoundBank's state, AudioAugmenter's state, its outputs)``."""
    done = subprocess.run(**command(root, *beam_args), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    (line,) = [x for x in done.stdout.splitlines() if x.startswith("STATES ")]
    told = json.loads(line.removeprefix("STATES "))
    assert told["states"]["ImportExampleGen"] in ("COMPLETE", "CACHED")
    return told["states"]["SoundBank"], told["states"]["AudioAugmenter"], told["outputs"]


def append(path, text):
    path.write_text(path.read_text() + text)


def test_the_cache_follows_content_and_code_and_nothing_else(root):
    killed_outputs = kill_while_augmenting(root)
    bank, augmenter, outputs = run(root)
    assert (bank, augmenter) == ("CACHED", "COMPLETE")
    assert not set(outputs) & killed_outputs
    assert len(train_records(outputs)) == 24

    steps = {
        "a beam argument": (lambda: None, "CACHED", "CACHED"),
        "the policy's seed": (
            lambda: edit(root / "policy.yaml", "seed: 0", "seed: 1"), "CACHED", "COMPLETE",
        ),
        "the policy's content": (
            lambda: edit(root / "policy.yaml", "max_snr_db: 20", "max_snr_db: 25"),
            "CACHED", "COMPLETE",
        ),
        "a sound": (lambda: write_sound(root / "street/one.wav", 400), "COMPLETE", "COMPLETE"),
        "a line of augment.py": (
            lambda: append(root / AUGMENTER, "# edited\n"),
            "CACHED", "COMPLETE",
        ),
        "a comment in the policy and a line of the trainer": (
            lambda: (
                append(root / "policy.yaml", "# no change\n"),
                append(root / "lib/tfx_audio/pipeline/model/trainer.py", "# edited\n"),
            ),
            "CACHED", "CACHED",
        ),
    }  # fmt: skip
    states = {}
    for name, (change, *_) in steps.items():
        change()
        args = ["--direct_num_workers=1"] if name == "a beam argument" else []
        states[name] = run(root, *args)[:2]
    assert states == {name: tuple(expected) for name, (_, *expected) in steps.items()}


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def kill_while_augmenting(root):
    """Kill a run in the middle of the augmentation; return the outputs it had begun."""
    process = subprocess.Popen(
        **command(root), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    folder = root / "artifacts/AudioAugmenter/augmented_examples"
    end = time.monotonic() + 120
    while not list(folder.glob("*/.progress")) and time.monotonic() < end:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    begun = {str(path) for path in folder.iterdir()}
    assert begun
    return begun


def train_records(outputs):
    (augmented,) = [uri for uri in outputs if "augmented_examples" in uri]
    records = [r for s in plan_spans(f"{augmented}/Split-train/*") for r in read_span(s)]
    assert all(parse_features(record)["label"] == [b"a"] for record in records)
    return records
