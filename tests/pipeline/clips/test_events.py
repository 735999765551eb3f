"""Windows over a stream, and events: what is expected is counted by hand."""

import numpy as np
import pytest

from tfx_audio.pipeline.clips.events import Event, Scored, cut_windows, find_events


def windows_of(blocks, window, hop):
    found = cut_windows([np.array(block, "float32")[:, None] for block in blocks], window, hop)
    return [(start, samples.tolist(), is_last) for start, samples, is_last in found]


@pytest.mark.parametrize("blocks", [[range(10)], [range(3), range(3, 4), range(4, 10)]])
def test_windows_are_the_same_however_the_stream_comes_and_the_last_ends_with_it(blocks):
    assert windows_of(blocks, 4, 3) == [
        (0, [0, 1, 2, 3], False),
        (3, [3, 4, 5, 6], False),
        (6, [6, 7, 8, 9], True),
    ]
    assert windows_of(blocks, 6, 3) == [
        (0, [0, 1, 2, 3, 4, 5], False),
        (3, [3, 4, 5, 6, 7, 8], False),
        (4, [4, 5, 6, 7, 8, 9], True),
    ]


def test_what_is_shorter_than_a_window_is_one():
    assert windows_of([[1.0], [2.0]], 4, 2) == [(0, [1.0, 2.0], True)]
    assert windows_of([], 4, 2) == []


def test_an_event_begins_at_the_threshold_and_lasts_to_the_release():
    scores = [0.4, 0.6, 0.45, 0.9, 0.3, 0.45, 0.7]
    found = [Scored(n, n + 1, {"a": score, "b": 1 - score}) for n, score in enumerate(scores)]

    events = list(find_events(found, threshold=0.6, release=0.4))

    # "a" reaches 0.6 at 1, falls under 0.4 at 4 and comes again at 6; "b" is 1 - a.
    assert events == [
        Event(0, 3, "b", pytest.approx(0.6)),
        Event(1, 4, "a", pytest.approx(0.9)),
        Event(4, 6, "b", pytest.approx(0.7)),
        Event(6, 7, "a", pytest.approx(0.7)),
    ]
