"""Files of every format for the tests of the readers."""

import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def media():
    """Return the module beside this file that makes them."""
    path = Path(__file__).with_name("media.py")
    spec = importlib.util.spec_from_file_location("media", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
