"""What was read, held against what the cache key stands for.

A digest that is computed from files starts with a mark; a version that the user states does not.
"""

from tfx_audio.components.audio.errors import InvalidInput

_COMPUTED = "content:"


def computed(digest: str) -> str:
    """Mark a digest as one of files' content."""
    return _COMPUTED + digest


def check_content(expected: str, read: str, what: str) -> None:
    """Check that what was read is what a component's cache key says.

    Args:
      expected: The digest in the key, or a version that the user states, which nothing can check.
      read: The digest of what was read.
      what: Whose content it is, for the message.

    Raises:
      InvalidInput: If they differ.
    """
    if expected.startswith(_COMPUTED) and expected != read:
        raise InvalidInput(
            f"{what}: files changed after the run began, so nothing is kept of what was read. Run "
            "it again when nothing writes there"
        )
