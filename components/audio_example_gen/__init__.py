"""AudioExampleGen: audio files, manifests and TFRecords become validated, split examples."""
