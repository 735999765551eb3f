"""Policies: text to document to checked `AugmentationPolicy`, without audiomentations."""
