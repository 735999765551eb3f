"""The facts that lie beside an exported model: its rate, labels, front end and training."""

import json
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

CARD_FILE = "assets.extra/model.json"


def write_card(directory: str, card: Mapping[str, Any]) -> None:
    """Write the facts into a model's folder."""
    path = f"{directory}/{CARD_FILE}"
    tf.io.gfile.makedirs(path.rpartition("/")[0])
    with tf.io.gfile.GFile(path, "w") as file:
        file.write(json.dumps(dict(card), indent=2, sort_keys=True) + "\n")


def read_card(directory: str) -> dict[str, Any]:
    """Read the facts beside a model.

    Returns:
      ``sample_rate``, ``window`` (samples), ``max_windows``, ``labels``, ``frontend`` and more.

    Raises:
      FileNotFoundError: If the folder holds no model of this project.
    """
    path = f"{directory}/{CARD_FILE}"
    if not tf.io.gfile.exists(path):
        raise FileNotFoundError(
            f"expected a model exported by tfx-audio: there is no {CARD_FILE} in {directory}"
        )
    with tf.io.gfile.GFile(path) as file:
        return dict(json.loads(file.read()))
