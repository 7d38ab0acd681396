"""Where this program keeps files of its own."""

from __future__ import annotations

import os


def cache_dir() -> str:
    """Directory of everything that can be made again: ``$DBT_CACHE_DIR``, else ``dbt-translator`` in ``$XDG_CACHE_HOME`` or ``~/.cache``."""
    own = os.environ.get("DBT_CACHE_DIR")
    if own:
        return own
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "dbt-translator")
