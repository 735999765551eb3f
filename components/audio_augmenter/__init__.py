"""AudioAugmenter: Beam applies an augmentation policy to examples."""
