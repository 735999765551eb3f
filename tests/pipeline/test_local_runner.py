"""What is known before the first component is said before it."""

import importlib.util

import pytest

from tfx_audio.components.audio.errors import InvalidInput
from tfx_audio.pipeline.config import parse_config
from tfx_audio.pipeline.local_runner import run_pipeline


def test_a_missing_kapre_is_named_before_anything_is_written(tmp_path, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "kapre" else find(name)
    )
    root = tmp_path / "root"
    config = parse_config({"data": {"path": str(tmp_path)}, "root": str(root)})
    with pytest.raises(InvalidInput, match="pip install --no-deps kapre"):
        run_pipeline(config)
    assert not root.exists()
