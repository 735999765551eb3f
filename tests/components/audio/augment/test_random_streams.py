"""What is drawn: the same for the same clip, copy and seed, whatever runs beside."""

from __future__ import annotations

import hashlib
import importlib
import pkgutil
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import audiomentations
import numpy as np
from audiomentations.augmentations import add_gaussian_noise

from tfx_audio.components.audio.augment.augmenter import Augmenter
from tfx_audio.components.audio.augment.random_streams import (
    Seeded,
    _generators,
    install_generators,
)
from tfx_audio.components.audio.policy.augmentation_policy import load_policy

RATE = 16000


def key_int(key):
    return int.from_bytes(key, "little")


class TestRandomness:
    def test_same_clip_policy_and_copy_give_the_same_bytes_in_any_order(self, noise):
        augmenter, clip = Augmenter(load_policy("classic")), noise()
        first = [augmenter.augment(clip, n).waveform.tobytes() for n in range(1, 9)]
        again = [augmenter.augment(clip, n).waveform.tobytes() for n in reversed(range(1, 9))]
        assert first == again[::-1]
        assert len(set(first)) > 4

    def test_seed_clip_id_and_copy_index_each_change_the_draw(self, noise, augmenter_of, applied):
        gain = [{"name": "Gain", "p": 1.0}]
        draws = {
            applied(augmenter_of(gain, seed=seed).augment(noise(clip_id=name), copy))[0][
                "parameters"
            ]["amplitude_ratio"]
            for seed in (0, 1)
            for name in ("a", "b")
            for copy in (1, 2)
        }
        assert len(draws) == 8

    def test_numpys_stream_is_sfc64_from_the_clips_key(self):
        """Closed form: the state's three words are bytes 32 to 56 of the key, the counter is 1."""
        key = hashlib.sha512(b"7\0copy\0002\0x").digest()
        source = np.random.SFC64()
        words = [int.from_bytes(key[i : i + 8], "little") for i in (32, 40, 48)]
        state = source.state
        state["state"]["state"] = np.array([*words, 1], np.uint64)
        source.state = state
        expected = np.random.RandomState(source)
        with Seeded(7, "copy", 2, "x"):
            np.testing.assert_array_equal(_generators.numpy.normal(size=5), expected.normal(size=5))
            assert _generators.random.random() == random.Random(key_int(key[:32])).random()

    def test_white_noise_is_drawn_by_numpys_generator_from_the_same_state(self):
        with Seeded(7, "copy", 2, "x"):
            noise = add_gaussian_noise.np.random.randn(4, 3)
        with Seeded(7, "copy", 2, "x"):
            state = _generators.numpy.get_state(legacy=False)["state"]
        source = np.random.SFC64()
        source.state = {**source.state, "state": state}
        np.testing.assert_array_equal(noise, np.random.Generator(source).standard_normal((4, 3)))

    def test_nothing_is_left_over_from_the_clip_before(self):
        """An odd count of normal numbers leaves the second of a pair behind."""
        with Seeded(0, "copy", 1, "x"):
            first = _generators.numpy.normal(size=3)
        with Seeded(0, "copy", 1, "x"):
            np.testing.assert_array_equal(_generators.numpy.normal(size=3), first)

    def test_every_module_of_audiomentations_draws_from_the_stand_ins(self):
        """An upstream module with a source of randomness of its own is found here."""
        names = [
            info.name
            for info in pkgutil.walk_packages(
                audiomentations.__path__, "audiomentations.", onerror=lambda name: None
            )
            if "spec_augmentations" not in info.name  # for spectrograms; 0.43 can't load them
        ]
        modules = [importlib.import_module(name) for name in names]
        install_generators()
        generators = (random.Random, np.random.RandomState, np.random.Generator)
        for module in modules:
            for name, item in vars(module).items():
                where = f"{module.__name__}.{name}"
                assert not any(item is source for source in (random, np, np.random)), where
                assert not isinstance(item, generators), where
                assert not isinstance(getattr(item, "__self__", None), generators), where
            source = Path(module.__file__).read_text(encoding="utf-8")
            assert "default_rng" not in source, module.__name__
            assert "secrets" not in source, module.__name__

    def test_global_generators_stay_untouched_and_do_not_matter(self, noise):
        augmenter, clip = Augmenter(load_policy("speech")), noise()
        expected = [augmenter.augment(clip, n).waveform.tobytes() for n in range(1, 5)]
        stop = threading.Event()

        def draw():
            while not stop.is_set():
                random.seed(5), np.random.seed(5), random.random(), np.random.rand(10)

        thread = threading.Thread(target=draw)
        thread.start()
        try:
            beside = [augmenter.augment(clip, n).waveform.tobytes() for n in range(1, 5)]
        finally:
            stop.set()
            thread.join()
        assert beside == expected
        random.seed(1)
        np.random.seed(1)
        augmenter.augment(clip, 9)
        assert random.random() == random.Random(1).random()
        assert np.random.uniform() == np.random.RandomState(1).uniform()

    def test_audiomentations_used_beside_us_still_follows_the_global_generators(self, noise):
        Augmenter(load_policy("classic")).augment(noise(), 1)
        transform, draws = audiomentations.Gain(p=1.0), []
        for _ in range(2):
            random.seed(7)
            transform(noise().waveform, RATE)
            draws.append(transform.parameters["amplitude_ratio"])
        assert draws[0] == draws[1]

    def test_four_threads_on_one_augmenter(self, noise):
        augmenter = Augmenter(load_policy("music"))
        clips = [noise(clip_id=f"{n}.wav", seed=n) for n in range(12)]
        alone = [augmenter.augment(clip, 1).waveform.tobytes() for clip in clips]
        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(lambda c: augmenter.augment(c, 1).waveform.tobytes(), clips))
        assert together == alone

    def test_slow_time_stretch_is_seeded_though_signalsmith_is_random(self, noise, augmenter_of):
        slow = [{"name": "TimeStretch", "min_rate": 0.3, "max_rate": 0.3, "p": 1.0}]
        copies = [augmenter_of(slow).augment(noise(), 1).waveform.tobytes() for _ in range(2)]
        assert copies[0] == copies[1]

    def test_ray_traced_room_is_seeded_and_independent_of_the_core_count(self, noise, augmenter_of):
        import pyroomacoustics

        room = augmenter_of([{"name": "RoomSimulator", "p": 1.0}])
        before = pyroomacoustics.constants.get("num_threads")
        copies = set()
        try:
            for threads in (1, 2, 3):
                pyroomacoustics.constants.set("num_threads", threads)
                copies.add(room.augment(noise(0.1), 1).waveform.tobytes())
                assert pyroomacoustics.constants.get("num_threads") == threads
        finally:
            pyroomacoustics.constants.set("num_threads", before)
        assert len(copies) == 1
