"""Which feature of a foreign record means what."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RecordFeatures:
    """Which feature of a foreign record means what; empty for none.

    Attributes:
      audio: Bytes of an audio file, or samples: int64 (16 bit steps) or float (full scale is 1).
      label: Class name or number.
      sample_rate: Hz of the samples.
      fixed_rate: Hz where no feature says.
      clip_id: Id; without it the file's path and the record's number.
      group: Speaker, recording or fold.
      split: The split that the record says.
      fields: Features that are kept.
      record_format: What the files are: tfrecord, parquet or webdataset.
      label_names: Names of the labels where records number them from 0.
      several_labels: Whether a record may have several.
    """

    audio: str
    label: str
    sample_rate: str = ""
    fixed_rate: int | None = None
    clip_id: str = ""
    group: str = ""
    split: str = ""
    fields: tuple[str, ...] = ()
    record_format: str = "tfrecord"
    label_names: tuple[str, ...] = ()
    several_labels: bool = False
