"""Everything that touches audiomentations and random generators."""
