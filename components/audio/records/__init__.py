"""Clips to and from `tf.train.Example` records and TFRecord files."""
