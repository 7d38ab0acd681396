"""Where this program keeps files of its own, and where processes that belong together meet."""

from __future__ import annotations

import os

_fixed: str | None = None
_tree = ""


def fix_cache_dir(path: str) -> None:
    """Use *path* in this process, whatever the environment says: it may be a guest's, which has its own idea of $HOME."""
    global _fixed
    _fixed = path


def cache_dir() -> str:
    """Directory of everything that can be made again: ``$DBT_CACHE_DIR``, else ``dbt-translator`` in ``$XDG_CACHE_HOME`` or ``~/.cache``. Absolute, since
    guests change the working directory. A user without a home has it in the root directory, where nobody else could put files for him."""
    own = _fixed or os.environ.get("DBT_CACHE_DIR")
    if own:
        return os.path.abspath(own)
    home = os.path.expanduser("~")
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join("/" if home == "~" else home, ".cache")
    return os.path.abspath(os.path.join(base, "dbt-translator"))


def adopt_tree(name: str | None = None) -> str:
    """The secret name of the tree of processes that this one belongs to (*name* if given): the processes of one tree share a compile server."""
    global _tree
    if name or not _tree:
        _tree = name or os.urandom(12).hex()
    return _tree
