"""Guest paths to host paths: absolute paths are tried under the sysroot first, symbolic links inside it included."""

from __future__ import annotations

import os
import stat

MAX_LINKS = 40  # as in the kernel


class Sysroot:
    """Path translation for ``-L``; without a sysroot every path is the host's own."""

    def __init__(self, root: str | None) -> None:
        self.root = os.fsencode(os.path.realpath(root)) if root else b""
        if self.root == b"/":
            self.root = b""
        self._dirs: dict[bytes, bytes | None] = {}  # guest directory -> host directory inside the sysroot, None if it has none

    def host_path(self, path: bytes, follow: bool = True) -> bytes:
        """Where the guest's *path* is on the host: inside the sysroot if it exists there, else *path* itself. With *follow*, a final symbolic
        link is followed inside the sysroot."""
        if not self.root or path[:1] != b"/" or path.startswith((b"/proc/", b"/dev/", b"/sys/")):
            return path
        return self._find(path, follow, MAX_LINKS) or path

    def guest_path(self, host: bytes) -> bytes:
        """The guest's name of a host path: without the sysroot if it is inside."""
        return host[len(self.root) :] or b"/" if self.root and (host + b"/").startswith(self.root + b"/") else host

    def _find(self, path: bytes, follow: bool, links: int) -> bytes | None:
        head, _, tail = path.rstrip(b"/").rpartition(b"/")
        if not tail:
            return self.root
        directory = self._dirs.get(head) if head in self._dirs else self._dir(head, links)
        if directory is None:
            return None
        if tail == b"..":
            parent = os.path.dirname(directory)
            return parent if len(parent) >= len(self.root) else self.root
        found = directory if tail == b"." else directory + b"/" + tail
        try:
            mode = os.lstat(found).st_mode
        except OSError:
            return None
        if not follow or not stat.S_ISLNK(mode):
            return found
        if not links:
            return found
        target = os.readlink(found)
        if target[:1] != b"/":
            target = self.guest_path(directory) + b"/" + target
        return self._find(target, True, links - 1) or target

    def _dir(self, head: bytes, links: int) -> bytes | None:
        found = self._find(head, True, links) if head else self.root
        if found is not None and (not found.startswith(self.root) or not os.path.isdir(found)):
            found = None  # a link that leaves the sysroot, or a file
        if found is not None:
            self._dirs[head] = found
        return found
