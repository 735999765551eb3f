"""AugmentationReport: one HTML page to see and hear what the augmentation did."""
