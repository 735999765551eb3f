"""A table's bytes to text: byte order marks, UTF-16, Windows code pages, gzip."""

import codecs
import re
from collections.abc import Callable

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.open_files import open_unpacked

MAX_BYTES = 2**30
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MAY_BE_DAMAGED = ("utf-8", "utf-8-sig")  # one bad row does not spoil the others
_WESTERN = "cp1252"
_FOREIGN_WORD = re.compile(rb"[\x80-\xff]{3}")


def read_text(uri: str, encoding: str, note: Callable[[str], None]) -> str:
    """Return the text of a table.

    Args:
      uri: The file; gzip is unpacked.
      encoding: Its coding; empty for what its bytes say.
      note: Called with a sentence where the coding had to be inferred.

    Raises:
      InvalidInput: If it can't be read, is too large, or is not text.
    """
    data = _bytes(uri)
    coding = encoding or _coding(data)
    if coding == "utf-8" and (page := _code_page(data, uri)):
        coding = page
        note(f"{uri} is no UTF-8; read as {page} (data.encoding names another)")
    try:
        text = data.decode(coding, "surrogateescape" if coding in _MAY_BE_DAMAGED else "strict")
    except LookupError as error:
        raise InvalidInput(f"data.encoding: there is no coding {encoding!r}") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"the manifest {uri!r} is no {coding} text: {error}") from error
    if (nul := text.find("\0")) >= 0:
        line = text.count("\n", 0, nul) + 1
        raise InvalidInput(f"the manifest {uri!r} is not text: line {line} has a NUL")
    return text


def _bytes(uri: str) -> bytes:
    try:
        with open_unpacked(uri) as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise InvalidInput(f"the manifest {uri!r} can't be read: {error}") from error
    if len(data) > MAX_BYTES:
        raise InvalidInput(f"the manifest {uri!r} is larger than {MAX_BYTES} bytes")
    return bytes(data)


def _coding(data: bytes) -> str:
    """Return the Unicode coding that a mark says, or that NULs in every other byte do."""
    for mark, coding in _MARKS:
        if data.startswith(mark):
            return coding
    head = data[:200]
    for first, coding in ((0, "utf-16-be"), (1, "utf-16-le")):
        if len(head) > 3 and not any(head[first::2]) and all(head[1 - first :: 2]):
            return coding
    return "utf-8"


def _code_page(data: bytes, uri: str) -> str:
    """Return the code page of a text that is no UTF-8; empty for UTF-8, be some rows damaged.

    Accents of western languages stand alone between ASCII letters. Other alphabets make words of
    such bytes, and nothing says reliably which.
    """
    try:
        data.decode("utf-8")
        return ""
    except UnicodeDecodeError:
        pass
    if not data.decode("utf-8", "ignore").isascii():
        return ""
    if word := _FOREIGN_WORD.search(data):
        line = data.count(b"\n", 0, word.start()) + 1
        raise InvalidInput(
            f"the manifest {uri!r}, line {line}: no UTF-8, and the alphabet can't be told; "
            "data.encoding names the coding (cp1251, shift_jis, ...)"
        )
    return _WESTERN
