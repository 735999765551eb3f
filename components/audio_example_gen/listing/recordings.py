"""What there is to ingest: every recording and the clips it is said to hold."""

from __future__ import annotations

from tfx_audio.components.audio_example_gen.config import IngestConfig
from tfx_audio.components.audio_example_gen.listing.folders import list_folder
from tfx_audio.components.audio_example_gen.listing.listing import Listing, check_root
from tfx_audio.components.audio_example_gen.listing.manifest_clips import (
    find_manifests,
    list_manifests,
)
from tfx_audio.components.audio_example_gen.listing.record_files import list_record_files

_RECORDS_NAME = "tfrecord"


def list_recordings(config: IngestConfig, unlabelled: bool = False) -> Listing:
    """List what a configuration points at: records, a manifest's clips, or a folder's files.

    A folder without audio whose files are called TFRecords is taken for records.

    Args:
      config: The configuration.
      unlabelled: Whether clips that nothing gives a label are listed, instead of rejected.

    Raises:
      InvalidInput: If there is no such folder or manifest, or a pattern or column is malformed.
    """
    check_root(config)
    if config.records:
        return list_record_files(config)
    manifests = find_manifests(config)
    if manifests:
        return list_manifests(config, manifests, unlabelled)
    listing = list_folder(config, unlabelled)
    if not listing.recordings and any(_RECORDS_NAME in path for path in listing.ignored):
        return list_record_files(config.model_copy(update={"records": f"*{_RECORDS_NAME}*"}))
    return listing
