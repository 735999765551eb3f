"""The commands of `tfx-audio`, one module each."""
