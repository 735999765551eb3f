"""Schemas: TF Metadata of one clip, JSON Schema of an augmentation policy."""
