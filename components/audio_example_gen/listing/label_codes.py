"""Names of labels that a data set writes as codes."""

from __future__ import annotations

from apache_beam.io.filesystems import FileSystems

from tfx_audio.components.audio_example_gen.listing.layout import Layout
from tfx_audio.components.audio_example_gen.listing.manifest import read_manifest


def code_names(layout: Layout, home: str) -> dict[str, str]:
    """Return the names of labels by code, as a layout or its table says."""
    if layout.label_table:
        table = layout.label_table
        uri = FileSystems.join(home, table.file)
        if FileSystems.exists(uri):
            rows = read_manifest(uri, table)
            return {row.values[table.code]: row.values[table.name] for row in rows if row.values}
    return layout.label_names
