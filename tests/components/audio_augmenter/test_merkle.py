import hashlib

from tfx_audio.components.audio_augmenter.merkle import describe_leaves, leaf


def sha256(data):
    return hashlib.sha256(data).digest()


def test_the_root_of_three_records_by_hand():
    a, b, c = sorted(sha256(b"\0" + record) for record in (b"x", b"y", b"z"))
    root = sha256(b"\1" + sha256(b"\1" + a + b) + c)
    described = {"records": 3, "root": root.hex()}
    assert describe_leaves(map(leaf, [b"z", b"x", b"y"])) == described


def test_order_decides_nothing_and_every_record_does():
    one = describe_leaves(map(leaf, [b"a", b"b", b"c"]))
    assert one == describe_leaves(map(leaf, [b"c", b"a", b"b"]))
    assert one != describe_leaves(map(leaf, [b"a", b"b", b"b"]))
    assert describe_leaves([]) == {"records": 0, "root": ""}
    assert describe_leaves([leaf(b"a")]) == {"records": 1, "root": leaf(b"a").hex()}
