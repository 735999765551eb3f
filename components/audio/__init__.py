"""The pure core: audio, policies, examples and rejections, without Beam, TFX or TensorFlow."""
