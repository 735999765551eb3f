"""Fresh copies inside tf.data: the component's copies, counted on from epoch to epoch."""

import numpy as np
import tensorflow as tf

from tfx_audio.components.audio.augment import augmenter as augment
from tfx_audio.components.audio.augment.augmenter import Augmenter
from tfx_audio.components.audio.clip import Clip
from tfx_audio.components.audio.policy.augmentation_policy import load_policy, parse_policy
from tfx_audio.components.audio.records.examples import clip_to_example, example_to_clip
from tfx_audio.pipeline.model.fresh_copies import fresh_copy
from tfx_audio.pipeline.model.on_the_fly import augment_dataset

SAMPLE_RATE = 8000
POLICY = load_policy("classic")


def originals(count=3):
    rng = np.random.default_rng(0)
    return [
        clip_to_example(
            Clip(f"{i}.wav", rng.uniform(-0.5, 0.5, 800).astype(np.float32), SAMPLE_RATE, "a")
        )
        for i in range(count)
    ]


def dataset(examples):
    return tf.data.Dataset.from_tensor_slices(examples)


def listed(made):
    return [example.numpy() for example in made]


def written(examples, copy_index):
    augmenter = Augmenter(POLICY)
    return [clip_to_example(augmenter.augment(example_to_clip(e), copy_index)) for e in examples]


def test_each_epoch_holds_the_next_copy_of_every_clip_as_the_component_writes_it():
    examples = originals()

    made = listed(augment_dataset(dataset(examples), POLICY, epochs=2))

    assert made == [*written(examples, 1), *written(examples, 2)]


def test_a_resumed_training_sees_the_epochs_that_were_left():
    examples = originals()

    whole = listed(augment_dataset(dataset(examples), POLICY, epochs=4))
    rest = listed(augment_dataset(dataset(examples), POLICY, first_epoch=2, epochs=2))

    assert rest == whole[6:]
    assert len(set(whole)) == 12


def test_copies_can_start_after_those_that_are_written():
    examples = originals(1)

    made = listed(augment_dataset(dataset(examples), POLICY, epochs=1, first_copy=3))

    assert made == written(examples, 3)


def test_order_has_no_say_in_what_a_clip_becomes():
    examples = originals()

    forward = listed(augment_dataset(dataset(examples), POLICY, epochs=1))
    backward = listed(augment_dataset(dataset(examples[::-1]), POLICY, epochs=1))

    assert backward == forward[::-1]


def test_what_is_a_copy_already_passes_unchanged():
    copies = written(originals(), 1)

    assert listed(augment_dataset(dataset(copies), POLICY, epochs=1)) == copies


def test_shapes_are_static_and_without_epochs_there_is_no_end():
    made = augment_dataset(dataset(originals(2)), POLICY)

    assert made.element_spec == tf.TensorSpec(shape=(), dtype=tf.string)
    assert len(listed(made.take(7))) == 7


def test_transforms_are_built_once_and_not_for_every_clip(monkeypatch):
    built = []
    build = augment.build_chain
    monkeypatch.setattr(augment, "build_chain", lambda *args: built.append(1) or build(*args))

    listed(augment_dataset(dataset(originals(4)), POLICY, epochs=5))

    # One for copies and one for each condition, and one for copies on the thread that works.
    assert len(built) == 1 + len(POLICY.conditions) + 1


def test_a_clip_that_cannot_be_copied_stays_and_is_named(caplog):
    policy = parse_policy(
        "{level: reject, transforms: [{name: Gain, min_gain_db: 60, max_gain_db: 60, p: 1}]}"
    )
    (example,) = originals(1)

    assert fresh_copy(Augmenter(policy), example, 1) == example
    assert "0.wav~1 stays the original" in caplog.text


def test_worker_processes_make_the_same_copies():
    examples = originals(2)

    made = listed(augment_dataset(dataset(examples), POLICY, epochs=2, processes=1))

    assert made == [*written(examples, 1), *written(examples, 2)]
