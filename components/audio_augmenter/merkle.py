"""A Merkle root over the records of a split, from digests taken where records are written."""

import hashlib
from collections.abc import Iterable
from typing import Any

LEAF_BYTES = hashlib.sha256().digest_size


def leaf(record: bytes) -> bytes:
    """Return a record's leaf: the SHA-256 of 0 and the record (RFC 6962)."""
    return hashlib.sha256(b"\0" + record).digest()


def describe_leaves(leaves: Iterable[bytes]) -> dict[str, Any]:
    """Return how many records there are, and the root over them.

    A node is the SHA-256 of 1 and its children (RFC 6962). Leaves are sorted: the order of records
    and the number of files don't count, as they don't elsewhere.
    """
    level = sorted(leaves)
    count = len(level)
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=False)
        odd = level[-1:] if len(level) % 2 else []
        level = [hashlib.sha256(b"\1" + left + right).digest() for left, right in pairs] + odd
    return {"records": count, "root": level[0].hex() if level else ""}
