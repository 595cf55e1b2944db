"""Which module of ours imports which, imports inside functions counted: circles, and imports that hide for no reason."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# What takes long to import or much memory: these, and modules that import them at their top, may wait for the call.
HEAVY = {
    "accelerate",
    "boto3",
    "captum",
    "diffusers",
    "gdcm",
    "imagehash",
    "imagecodecs",
    "lime",
    "matplotlib",
    "mlcroissant",
    "monai",
    "openai",
    "openjpeg",
    "peft",
    "pyarrow",
    "pydicom",
    "safetensors",
    "scipy",
    "skimage",
    "sklearn",
    "statsmodels",
    "typst",
    "torch",
    "torchvision",
    "transformers",
}


@dataclass(frozen=True, slots=True)
class Import:
    """One `import` statement's target; `lazy` inside a function."""

    module: str
    target: str
    line: int
    lazy: bool


class ImportGraph:
    """The imports of these files, `if TYPE_CHECKING:` left out."""

    def __init__(self, files: list[Path], root: Path) -> None:
        self.files = {module_name(file, root): file for file in files}
        self.imports = [statement for name in self.files for statement in self._imports_of(name)]
        self.eager: dict[str, set[str]] = defaultdict(set)
        self.all: dict[str, set[str]] = defaultdict(set)
        for statement in self.imports:
            self.all[statement.module].add(statement.target)
            if not statement.lazy:
                self.eager[statement.module].add(statement.target)

    def circles(self) -> list[list[str]]:
        """The strongly connected components of more than one module, largest first (Tarjan 1972)."""
        index: dict[str, int] = {}
        low: dict[str, int] = {}
        stack: list[str] = []
        components: list[list[str]] = []

        def visit(module: str) -> None:
            index[module] = low[module] = len(index)
            stack.append(module)
            for target in sorted(self.all[module] & self.files.keys()):
                if target not in index:
                    visit(target)
                    low[module] = min(low[module], low[target])
                elif target in stack:
                    low[module] = min(low[module], index[target])
            if low[module] == index[module]:
                start = stack.index(module)
                components.append(stack[start:])
                del stack[start:]

        for module in sorted(self.files):
            if module not in index:
                visit(module)
        return sorted((c for c in components if len(c) > 1), key=len, reverse=True)

    def light_lazy_imports(self) -> list[Import]:
        """Imports inside functions of modules of ours that drag in nothing heavy."""
        return [
            statement
            for statement in self.imports
            if statement.lazy
            and statement.target in self.files
            and not self.is_heavy(statement.target)
            and not self.is_before_models(statement.module)
        ]

    def is_before_models(self, module: str) -> bool:
        """Whether Django imports this module before there are models: an app's package and its `apps`."""
        app, _, rest = module.partition(".")
        return f"{app}.apps" in self.files and rest in {"", "apps"}

    def is_heavy(self, module: str) -> bool:
        """Whether importing this module of ours imports one of the heavy packages."""
        reached, waiting = {module}, [module]
        while waiting:
            for target in self.eager[waiting.pop()]:
                if target.partition(".")[0] in HEAVY:
                    return True
                if target in self.files and target not in reached:
                    reached.add(target)
                    waiting.append(target)
        return False

    def _imports_of(self, module: str) -> Iterator[Import]:
        file = self.files[module]
        package = module if file.name == "__init__.py" else module.rpartition(".")[0]
        for node, lazy in statements(ast.parse(file.read_text(encoding="utf-8")), lazy=False):
            for target in self._targets(node, package):
                if target != module:
                    yield Import(module, target, node.lineno, lazy)

    def _targets(self, node: ast.Import | ast.ImportFrom, package: str) -> Iterator[str]:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
            return
        base = node.module or ""
        if node.level:
            parents = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join([*parents, *([node.module] if node.module else [])])
        for alias in node.names:
            submodule = f"{base}.{alias.name}"
            yield submodule if submodule in self.files else base


def statements(node: ast.AST, *, lazy: bool) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    """Every import below a node that runs, with whether it waits for a call."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child, lazy
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            for branch in child.orelse:
                yield from statements(branch, lazy=lazy)
        else:
            inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from statements(child, lazy=lazy or inside)


def module_name(file: Path, root: Path) -> str:
    return ".".join(file.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
