"""Files that list the clips of each split."""

from __future__ import annotations

import io
import itertools

from apache_beam.io.filesystems import FileSystems

from tfx_audio.components.audio.splits import TRAIN
from tfx_audio.components.audio_example_gen.listing.listing import Listing
from tfx_audio.components.audio_example_gen.listing.manifest_csv import (
    csv_records,
    header_delimiter,
)
from tfx_audio.components.audio_example_gen.listing.manifest_text import read_text
from tfx_audio.components.audio_example_gen.listing.recognise import FoundLayout


class SplitLists:
    """The splits that a layout's lists give files; none where one of the lists is not there."""

    def __init__(self, found: FoundLayout | None, listing: Listing) -> None:
        self._listed: dict[str, str] = {}
        self._unlisted: str | None = ""
        places = found.layout.splits if found else {}
        if not found or not places:
            return
        uris = {split: FileSystems.join(found.home, file) for split, file in places.items()}
        if not all(FileSystems.exists(uri) for uri in uris.values()):
            return
        self._unlisted = TRAIN if found.layout.unlisted == TRAIN else None
        for split, uri in uris.items():
            text = read_text(uri, listing.config.encoding, listing.note)
            lines = io.StringIO(text, newline="")
            for record in csv_records(lines, header_delimiter(text)[0], uri, quotes=False):
                if record.values:
                    name = record.values[0].strip().replace("\\", "/")
                    self._listed.setdefault(name, split)

    def split(self, path: str) -> str | None:
        """Return a file's split, whichever folder the lists' places start from.

        Empty where there are no lists, None for a file that they leave out.
        """
        if not self._listed:
            return ""
        tails = itertools.accumulate(reversed(path.split("/")), lambda tail, part: f"{part}/{tail}")
        return next((s for tail in tails if (s := self._listed.get(tail))), self._unlisted)
