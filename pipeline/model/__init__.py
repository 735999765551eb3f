"""The model side: front end, SpecAugment, backbone, inputs, trainer, tuner and serving."""
