"""The policy file's own keys, as JSON Schema; the transforms come from `policy_schema`."""

from __future__ import annotations

from typing import Any


def document_schema(definitions: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a whole policy file around the definitions of its transforms."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "tfx-audio augmentation policy",
        "type": "object",
        "additionalProperties": False,
        "required": ["transforms"],
        "properties": {
            "description": {"type": "string", "description": "What this policy is for."},
            "seed": {
                "type": "integer",
                "default": 0,
                "description": "With clip id and copy number it decides everything random.",
            },
            "copies_per_clip": {
                "type": "integer",
                "minimum": 0,
                "maximum": 1000,
                "default": 1,
                "description": "Augmented copies of every training clip.",
            },
            "keep_originals": {
                "type": "boolean",
                "default": True,
                "description": "Keep the unchanged clips beside their copies.",
            },
            "balance": {
                "enum": ["none", "by_label"],
                "default": "none",
                "description": "by_label: clips of rare labels get more copies, up to max_copies.",
            },
            "max_copies": {
                "type": "integer",
                "minimum": 0,
                "maximum": 1000,
                "default": 10,
                "description": "The most copies of one clip that balancing makes.",
            },
            "level": {
                "enum": ["clip", "rescale", "reject"],
                "default": "rescale",
                "description": "What happens to a copy whose peak exceeds full scale: clip cuts "
                "it off, rescale turns the whole copy down, reject sets it aside.",
            },
            "transforms": {"$ref": "#/definitions/transforms"},
            "labels": {
                "type": "object",
                "description": "Changes for single labels: a step's id or name, then `off` or "
                "the parameters to change; copies_per_clip as well.",
                "additionalProperties": {
                    "type": "object",
                    "properties": {
                        "copies_per_clip": {"type": "integer", "minimum": 0, "maximum": 1000}
                    },
                    "additionalProperties": {
                        "anyOf": [{"enum": ["off", False]}, {"type": "object"}]
                    },
                },
            },
            "conditions": {
                "type": "object",
                "description": "Robustness conditions of the evaluation split by name; `clean` "
                "is always there. Default: noise_20db, noise_10db and noise_0db.",
                "maxProperties": 100,
                "propertyNames": {"pattern": "^[a-z][a-z0-9_]*$"},
                "additionalProperties": {"$ref": "#/definitions/transforms"},
            },
        },
        "definitions": definitions,
    }
