"""What there is to ingest: every recording and its clips."""

import posixpath
from collections.abc import Sequence

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.components.audio_example_gen.config import IngestConfig
from tfx_audio.components.audio_example_gen.listing.folders import list_folder
from tfx_audio.components.audio_example_gen.listing.layout import shipped_layouts
from tfx_audio.components.audio_example_gen.listing.listing import Listing, check_root
from tfx_audio.components.audio_example_gen.listing.manifest_clips import (
    list_manifests,
    note_unlisted,
)
from tfx_audio.components.audio_example_gen.listing.manifest_tables import (
    Manifest,
    layout_manifests,
    named_manifests,
)
from tfx_audio.components.audio_example_gen.listing.recognise import FoundLayout, find_layout
from tfx_audio.components.audio_example_gen.listing.record_files import list_record_files
from tfx_audio.components.audio_example_gen.listing.split_lists import SplitLists

_RECORDS_NAME = "tfrecord"


def list_recordings(config: IngestConfig, unlabelled: bool = False) -> Listing:
    """List what a configuration points at: records, tables' clips, or a folder's files.

    A layout says which of them where there is one. A folder without audio whose files are called
    TFRecords is taken for records.

    Args:
      config: The configuration.
      unlabelled: Whether clips that nothing gives a label are listed, instead of rejected.

    Raises:
      InvalidInput: If there is no such folder or table, or a pattern or column is malformed.
    """
    check_root(config)
    listing = Listing(config)
    if config.records:
        return list_record_files(listing)
    found, manifests = _chosen(config, listing)
    config = listing.config = _settled(config, found)
    if found:
        listing.note(found.announcement)
        listing.folds, listing.split_by = found.layout.folds, found.layout.split_by
    if found and found.layout.records:
        return list_record_files(listing, found)
    if manifests:
        list_manifests(manifests, listing, SplitLists(found, listing), unlabelled)
        if found and not config.manifest:
            tables = ", ".join(posixpath.basename(manifest.uri) for manifest in manifests[:3])
            note_unlisted(found.home, tables, found.layout.not_clips, listing)
        return listing
    list_folder(listing, found, unlabelled)
    if not listing.recordings and any(_RECORDS_NAME in path for path in listing.ignored):
        records = config.model_copy(update={"records": f"*{_RECORDS_NAME}*"})
        return list_record_files(Listing(records))
    return listing


def _chosen(
    config: IngestConfig, listing: Listing
) -> tuple[FoundLayout | None, Sequence[Manifest]]:
    """Return the one layout that the folder proves to have, if any, and the tables to read."""
    found = find_layout(config)
    if config.manifest:
        one = found[0] if found else None
        return one, named_manifests(config, one, listing)
    proven: list[tuple[FoundLayout, Sequence[Manifest]]] = []
    for one in found:
        manifests = layout_manifests(config, one, listing)
        if manifests or not one.layout.tables:
            proven.append((one, manifests))
        elif config.layout:
            raise InvalidInput(f"--layout {config.layout}: no table of {one.home!r} names audio")
    if len(proven) > 1:
        names = " and ".join(one.name for one, _ in proven)
        raise InvalidInput(
            f"{config.path!r} fits more than one layout: {names}. --layout says which; "
            "--layout none takes the folders for classes"
        )
    return proven[0] if proven else (None, [])


def _settled(config: IngestConfig, found: FoundLayout | None) -> IngestConfig:
    """Return the configuration with what a layout says filled in where the user says nothing."""
    if not found:
        return config.model_copy(update={"labels": config.labels or "one"})
    layout = found.layout
    name = found.name  # a file may not be there where the pipeline runs: its content is
    if name not in shipped_layouts():
        name = layout.model_dump_json(exclude_defaults=True)
    return config.model_copy(
        update={
            "layout": name,
            "labels": config.labels or layout.labels,
            "label_from": config.label_from or layout.files,
            "fields": (*config.fields, *(f for f in layout.fields if f not in config.fields)),
        }
    )
