"""Who knows whom: the imports of the package follow its layers."""

import ast
from pathlib import Path

import pytest

import keras_reid

PACKAGE = Path(keras_reid.__file__).parent

# What a part may import of the package, itself apart; functions' own imports count as well.
ALLOWED = {
    "layers": {"data_format", "errors"},
    "losses": {"errors"},
    "backbones": {"errors", "layers"},
    "graph": set(),
    "networks": {"backbones", "errors", "graph", "layers", "losses", "model"},
    "data": {"errors", "files", "lock"},
    "evaluation": {"data.table", "errors"},
    "gallery": {"errors", "evaluation", "files", "lock"},
    "pictures": {"errors", "files"},
    "report": {"data", "errors", "evaluation", "files", "pictures"},
    "explanations": {"asking", "data.images", "errors", "graph"},
    "fidelity": {"errors", "networks"},
    "lock": set(),
    "files": set(),
    "shipped": {"errors"},
}
# Only exports, and what distributes training over devices, need one certain backend; the demo says its version;
# explanations take gradients as each backend has them; and one layer takes TensorFlow's single operation where it runs
# on TensorFlow, and Keras' everywhere else.
WITH_TENSORFLOW = {
    "export",
    "training",
    "demo.py",
    "explanations/gradients.py",
    "layers/batch_normalization.py",
}


def imports(path: Path) -> set[str]:
    """Full names of everything that a file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def files(part: str) -> list[Path]:
    found = sorted((PACKAGE / part).rglob("*.py")) or [PACKAGE / f"{part}.py"]
    assert found[0].is_file()
    return found


@pytest.mark.parametrize("part", ALLOWED)
def test_layers_of_the_package(part):
    for path in files(part):
        ours = {name.removeprefix("keras_reid.") for name in imports(path) if name.startswith("keras_reid")}
        foreign = {name for name in ours if not any(f"{name}.".startswith(f"{one}.") for one in {part, *ALLOWED[part]})}
        assert not foreign, f"{path} imports {foreign}"


def test_tensorflow_is_for_exports_and_distribution():
    found = [
        path.relative_to(PACKAGE)
        for path in PACKAGE.rglob("*.py")
        if any(name.partition(".")[0] == "tensorflow" for name in imports(path))
    ]
    allowed = [one for one in WITH_TENSORFLOW for path in found if path.is_relative_to(one)]
    assert set(allowed) == WITH_TENSORFLOW, "a part that no longer needs TensorFlow is still allowed to"
    assert len(allowed) == len(found), f"TensorFlow is imported by {sorted(map(str, found))}"


def test_nothing_imports_tensorflow_before_it_is_needed():
    for path in PACKAGE.rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in names if name.partition(".")[0] == "tensorflow"], path
