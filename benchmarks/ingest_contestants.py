"""The ways to turn a folder of audio into examples that `benchmarks/ingest.py` compares.

Each runs in a process of its own:

    python benchmarks/ingest_contestants.py NAME IN_DIR OUT_DIR

The bare loop is what one would write by hand: soundfile, soxr, the levels of the data contract, a
``tf.train.Example``, TensorFlow's TFRecordWriter. It divides nothing, rejects nothing, hashes
nothing. The others are AudioExampleGen's Beam pipeline.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

SAMPLE_RATE = 16000


def bare_loop(source: Path, target: Path) -> None:
    """Write one TFRecord file."""
    import numpy as np
    import soundfile
    import soxr
    import tensorflow as tf

    def text(value: str) -> tf.train.Feature:
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value.encode()]))

    def number(value: float) -> tf.train.Feature:
        return tf.train.Feature(float_list=tf.train.FloatList(value=[value]))

    def whole(value: int) -> tf.train.Feature:
        return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))

    with tf.io.TFRecordWriter(str(target / "examples-00000.tfrecord")) as writer:
        for path in sorted(path for path in source.rglob("*") if path.is_file()):
            waveform, rate = soundfile.read(path, dtype="float32")
            if rate != SAMPLE_RATE:
                waveform = soxr.resample(waveform, rate, SAMPLE_RATE)
            pcm = np.clip(np.rint(waveform * 32768), -32768, 32767).astype("<i2")
            wav = io.BytesIO()
            soundfile.write(wav, pcm, SAMPLE_RATE, format="WAV", subtype="PCM_16")
            stored = pcm / np.float32(32768)
            magnitude = np.abs(stored)
            name = str(path.relative_to(source))
            features = {
                "clip_id": text(name),
                "audio": tf.train.Feature(bytes_list=tf.train.BytesList(value=[wav.getvalue()])),
                "sample_rate": whole(SAMPLE_RATE),
                "label": text(path.parent.name),
                "group": text(""),
                "duration_s": number(len(pcm) / SAMPLE_RATE),
                "peak_dbfs": number(20 * np.log10(magnitude.max())),
                "rms_dbfs": number(10 * np.log10(np.mean(stored * stored))),
                "clipped_fraction": number(np.mean(magnitude >= 32767 / 32768)),
                "source_clip_id": text(name),
                "copy_index": whole(0),
                "augmentation": text("{}"),
                "condition": text("clean"),
            }
            example = tf.train.Example(features=tf.train.Features(feature=features))
            writer.write(example.SerializeToString())


def ingest(source: Path, target: Path, beam_args: list[str]) -> None:
    """List the folder and run the Beam pipeline that AudioExampleGen runs."""
    import apache_beam as beam

    from tfx_audio.components.audio_example_gen.config import IngestConfig, SplitConfig
    from tfx_audio.components.audio_example_gen.listing.recordings import list_recordings
    from tfx_audio.components.audio_example_gen.shard_lists import deal
    from tfx_audio.components.audio_example_gen.transforms import (
        FACTS,
        REJECTED,
        IngestJob,
        IngestShards,
    )

    config = IngestConfig(path=str(source), sample_rate=SAMPLE_RATE)
    job = IngestJob(
        clip_format=config.clip_format(SAMPLE_RATE),
        rule=SplitConfig().rule(),
        split_uris={name: str(target / f"Split-{name}") for name in ("train", "eval", "test")},
    )
    with beam.Pipeline(argv=beam_args) as pipeline:
        shards = deal(list_recordings(config).recordings, str(target))
        ingested = pipeline | beam.Create(shards) | IngestShards(job)
        for output in (FACTS, REJECTED):
            _ = ingested[output] | f"Write[{output}]" >> beam.io.WriteToText(
                str(target / output), num_shards=1
            )


def main() -> None:
    """Run the contestant that the command line names."""
    name, source, target = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    if name == "bare loop":
        bare_loop(source, target)
        return
    workers = ["--direct_running_mode=multi_processing", "--direct_num_workers=2"]
    ingest(source, target, ["--runner=DirectRunner", *(workers if name == "2 workers" else [])])


if __name__ == "__main__":
    main()
