"""Imports go down only, and the heavy libraries have one user each (docs/architecture.md)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]

# Lowest first: a module may import its own layer and those below it.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("dbt.ir",),
    ("dbt.abi",),
    ("dbt.frontend", "dbt.backend"),
    ("dbt.pipeline",),
    ("runtime",),
    ("dbt.views",),
    ("dbt.api", "dbt.stats"),
    ("dbt.cli", "dbt.__main__"),
)
OWNERS = {  # library -> the only package that may import it
    "llvmlite": ("dbt.backend.llvm", "runtime.kernels"),
    "numba": ("runtime.kernels",),
    "capstone": ("dbt.views.disasm",),
    "elftools": ("dbt.views.source",),
    "click": ("dbt.cli.commands", "dbt.cli.bench", "dbt.cli.output"),
    "rich": ("dbt.cli.commands", "bench", "runtime.kernels"),
    "numpy": ("runtime.kernels",),
}
FILES = sorted([*REPOSITORY.glob("dbt/**/*.py"), *REPOSITORY.glob("runtime/**/*.py")])


def module_name(path: Path) -> str:
    parts = path.relative_to(REPOSITORY).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> set[str]:
    """Modules that *path* imports anywhere."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def inside(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(package + ".") for package in packages)


def layer(module: str) -> int | None:
    return next((number for number, packages in enumerate(LAYERS) if inside(module, packages)), None)


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_imports_go_down(path: Path) -> None:
    own = layer(module_name(path))
    for imported in imports(path):
        other = layer(imported)
        if own is not None and other is not None:
            assert other <= own, f"{module_name(path)} imports {imported}, which is above it"


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_heavy_libraries_have_one_user(path: Path) -> None:
    for imported in imports(path):
        owners = OWNERS.get(imported.split(".")[0])
        assert owners is None or inside(module_name(path), owners), f"{module_name(path)} imports {imported}"


def test_siblings_do_not_know_each_other() -> None:
    for path in FILES:
        name = module_name(path)
        for imported in imports(path):
            assert not (inside(name, ("dbt.frontend",)) and inside(imported, ("dbt.backend",))), f"{name} imports {imported}"
            assert not (inside(name, ("dbt.backend",)) and inside(imported, ("dbt.frontend",))), f"{name} imports {imported}"
            assert not (inside(name, ("dbt.frontend.arm",)) and inside(imported, ("dbt.frontend.x86",))), f"{name} imports {imported}"
