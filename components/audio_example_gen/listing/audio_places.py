"""Where the audio of a table's rows lies."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping

from apache_beam.io.filesystems import FileSystems

from tfx_audio.components.audio.reading.formats import AUDIO_SUFFIXES
from tfx_audio.components.audio_example_gen.config import IngestConfig
from tfx_audio.components.audio_example_gen.listing.columns import Columns
from tfx_audio.components.audio_example_gen.listing.files import AllowedRoots, walk
from tfx_audio.components.audio_example_gen.listing.manifest import ManifestRow
from tfx_audio.components.audio_example_gen.listing.manifest_tables import Manifest
from tfx_audio.components.open_files import is_local

_ROWS_TO_FIND_BASE = 20
_MAX_CHARS = 4096
_ANYWHERE = re.compile(r"\*\*/(.+)\.\*")
_COLUMN = re.compile(r"\{([^{}]+)\}")
_DATA_ROOT = "{data_root}"  # SpeechBrain's word for the folder of the data


class AudioPlaces:
    """Finds the audio of the rows of one table: by a layout's templates, or by a column."""

    def __init__(
        self, config: IngestConfig, manifest: Manifest, roles: Columns, allowed: AllowedRoots
    ) -> None:
        self._manifest = manifest
        self._column = roles.audio
        self._allowed = allowed
        self._templates = () if config.columns.audio else manifest.audio
        self._by_stem: dict[str, str] | None = None
        names = [self._name(row.values) for row in manifest.rows[:]]
        self._base, self._backslashes = "", False
        if not self._templates:
            self._base = self._find_base(config.path, [name for name in names if name])

    def uri(self, row: ManifestRow) -> str:
        """Return where a row's audio should lie; empty if the row does not say."""
        if not self._templates:
            name = self._name(row.values)
            return _join(self._base, self._plain(name)) if name else ""
        uris = [self._filled(template, row.values) for template in self._templates]
        uris = [uri for uri in uris if uri]
        return next((uri for uri in uris if self._is_there(uri)), uris[0] if uris else "")

    def _name(self, values: Mapping[str, str]) -> str:
        return values.get(self._column, "").strip().removeprefix(f"{_DATA_ROOT}/")

    def _plain(self, name: str) -> str:
        return name.replace("\\", "/") if self._backslashes else name

    def _filled(self, template: str, values: Mapping[str, str]) -> str:
        """Return a template with a row's values; empty if the row lacks one of them."""
        columns = _COLUMN.findall(template)
        if not all(values.get(column, "").strip() for column in columns):
            return ""
        place = _COLUMN.sub(lambda found: values[found.group(1)].strip(), template)
        anywhere = _ANYWHERE.fullmatch(place)
        if anywhere:
            return self._stems().get(anywhere.group(1), _join(self._manifest.home, place))
        return _join(self._manifest.home, place)

    def _stems(self) -> dict[str, str]:
        """Return the audio files below the layout's folder by their names without ending.

        Of several of one name the nearest to the table counts, then the first.
        """
        if self._by_stem is None:
            beside = FileSystems.split(self._manifest.uri)[0]
            files = walk(self._manifest.home, self._allowed, lambda path, problem: None)
            audio = [f for f in files if posixpath.splitext(f.path)[1].lower() in AUDIO_SUFFIXES]
            audio.sort(key=lambda f: (FileSystems.split(f.uri)[0] != beside, f.path))
            self._by_stem = {}
            for file in audio:
                stem = posixpath.splitext(posixpath.basename(file.path))[0]
                self._by_stem.setdefault(stem, file.uri)
        return self._by_stem

    def _find_base(self, root: str, names: list[str]) -> str:
        """Return the folder that relative paths start from: the first that has some of them.

        Paths of Windows have backslashes; they are taken for slashes where the files then are.
        """
        beside = FileSystems.split(self._manifest.uri)[0] or "."
        above = FileSystems.split(beside.rstrip("/"))[0]
        bases = [beside, root, *(FileSystems.join(base, "audio") for base in (above, root, beside))]
        bases += [FileSystems.join(beside, "clips"), above]
        some = [name for name in names if len(name) < _MAX_CHARS][:_ROWS_TO_FIND_BASE]
        for self._backslashes in (False, True):
            for base in bases:
                if any(self._is_there(_join(base, self._plain(name))) for name in some):
                    return str(base)
        self._backslashes = False
        return beside

    def _is_there(self, uri: str) -> bool:
        """Return whether a file exists; what lies outside the allowed roots is not looked at."""
        return self._allowed.problem(uri) is None and (is_local(uri) or FileSystems.exists(uri))


def _join(base: str, name: str) -> str:
    """Return where a table's path leads: absolute ones stand for themselves."""
    return name if "://" in name else str(FileSystems.join(base, name))
