"""Builds the litmus programs beside their sources: ``make guests``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.guests import build
from tests.guests.build import compiler

HERE = Path(__file__).resolve().parent


def main() -> None:
    for source in sorted((HERE / "src").glob("*.c")):
        target = HERE / f"{source.stem}.elf"
        command = [*compiler("a32", "armv8"), *build.COMMON, f"-I{build.SOURCES}", "-s", "-o", str(target), str(source)]
        subprocess.run(command, check=True)
        print(f"{target.relative_to(HERE.parents[1])}: {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
