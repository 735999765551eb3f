"""TFX components for audio; the public names are in `tfx_audio`."""
