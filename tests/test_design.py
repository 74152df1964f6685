"""The table of layers in docs/DESIGN.md names every source file, and modules are made of those above them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "markovlib"
TABLE = re.search(r"## The layers, file by file\n(.*?)\n## ", (ROOT / "docs/DESIGN.md").read_text("utf-8"), re.DOTALL)
assert TABLE is not None
ROWS = re.findall(r"^\| (`.*?) \|", TABLE[1], re.MULTILINE)
LAYERS = {
    name.removeprefix("markovlib/").removesuffix("/"): layer
    for layer, row in enumerate(ROWS)
    for name in re.findall(r"`([^`]+)`", row)
}
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def layer_of(path: Path) -> int:
    """The layer of a module, which of those in a package is the package's."""
    parts = path.relative_to(PACKAGE).parts
    return LAYERS[parts[0]]


def imported(tree: ast.AST) -> Iterator[Path]:
    """Files and packages of the library that a module imports when it is itself imported."""
    for node in ast.iter_child_nodes(tree):
        for_types = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        if isinstance(node, ast.FunctionDef) or for_types:
            continue
        yield from imported(node)
        if not isinstance(node, ast.ImportFrom) or (node.module or "").partition(".")[0] != "markovlib":
            continue
        module = ROOT.joinpath(*str(node.module).split("."))
        for name in node.names:
            for found in (module / name.name, module):
                ending = next((end for end in ("", ".py", ".pyx") if found.with_name(found.name + end).exists()), None)
                if ending is not None and found != PACKAGE:
                    yield found.with_name(found.name + ending)
                    break


def test_every_source_file_is_in_the_table() -> None:
    engine = {path.name for path in (ROOT / "csrc").glob("*.c")}
    engine |= {path.name for path in (ROOT / "csrc").glob("*.h") if not path.with_suffix(".c").exists()}
    modules = {path.name for ending in ("py", "pyx") for path in PACKAGE.glob(f"*.{ending}")} - {"__init__.py"}
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert engine | modules | packages <= set(LAYERS)


def test_every_file_in_the_table_is_there() -> None:
    folders = (ROOT, ROOT / "csrc", PACKAGE)
    assert [name for name in LAYERS if not any((folder / name).exists() for folder in folders)] == []


def test_modules_are_made_of_those_above_them() -> None:
    below = [
        f"{path.relative_to(PACKAGE)} imports {other.relative_to(PACKAGE)}"
        for path in MODULES
        for other in imported(ast.parse(path.read_text("utf-8")))
        if layer_of(other) > layer_of(path)
    ]
    assert below == []
