"""What works on files without TFX: augment, preview, predict, demo data."""
