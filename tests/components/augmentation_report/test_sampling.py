"""The choice of clips: fair, bounded, and the same in any order."""

import random

import numpy as np

from tfx_audio.components.audio.clip import Clip
from tfx_audio.components.augmentation_report.sampling import FamilySampler, family_of


def offers():
    return [
        (label, f"{label}/{number}.wav", index, "clean", f"{label}{number}~{index}".encode())
        for label in "ab"
        for number in range(20)
        for index in range(3)
    ]


def chosen(ordered):
    sampler = FamilySampler(per_label=2, max_copies=1)
    for offer in ordered:
        sampler.offer(*offer)
    return sampler.records()


def test_whole_families_of_every_label():
    found = chosen(offers())
    assert [label for label, _ in found] == ["a", "a", "b", "b"]
    for _, records in found:
        source = records[0].split(b"~")[0]
        assert records == [source + b"~0", source + b"~1"]  # copy 2 is beyond max_copies


def test_order_does_not_matter():
    shuffled = offers()
    random.Random(3).shuffle(shuffled)
    assert chosen(shuffled) == chosen(offers())


def test_nothing_is_kept_of_what_is_not_chosen():
    sampler = FamilySampler(per_label=2, max_copies=1)
    for offer in offers():
        sampler.offer(*offer)
    assert sum(len(records) for records in sampler._records.values()) == 2 * 2 * 2


def test_the_first_record_of_a_clip_stays():
    sampler = FamilySampler(1, 1)
    sampler.offer("a", "x", 0, "clean", b"ingested")
    sampler.offer("a", "x", 0, "clean", b"kept original")
    assert sampler.records() == [("a", [b"ingested"])]


def test_a_family_knows_its_original():
    original = Clip("x", np.zeros(1, np.float32), 8_000)
    copy = original.replace(clip_id="x~1", source_clip_id="x", copy_index=1)
    assert family_of([copy, original]).original is original
    assert family_of([copy]).original is None
    assert family_of([original, copy]).clips == (original, copy)
