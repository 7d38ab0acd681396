from __future__ import annotations

import pytest

from runtime import image as images


@pytest.fixture(scope="session")
def image() -> images.Image:
    """The runtime's kernels."""
    return images.load()
