"""What no module may do, read from the syntax trees: environment, prints, hidden imports, log sinks, docstrings."""

import ast
from collections.abc import Callable, Iterator

import pytest

from tests.arch.sources import Module, all_modules

Finder = Callable[[Module], Iterator[int]]


def environment_reads(module: Module) -> Iterator[int]:
    """Yield the lines that name os.environ, os.getenv and their kin, or import them, outside the one module."""
    if module.name == "memoryos_adapters.environ":
        return
    names = {"environ", "environb", "getenv", "getenvb", "putenv"}
    for node in ast.walk(module.tree):
        match node:
            case ast.Attribute(value=ast.Name(id="os"), attr=attr) if attr in names:
                yield node.lineno
            case ast.ImportFrom(module="os") if names & {alias.name for alias in node.names}:
                yield node.lineno


def prints(module: Module) -> Iterator[int]:
    """Yield the lines that call print or pprint."""
    for node in ast.walk(module.tree):
        match node:
            case ast.Call(func=ast.Name(id="print" | "pprint")):
                yield node.lineno


def relative_imports(module: Module) -> Iterator[int]:
    """Yield the lines of imports that begin with a dot."""
    for node in ast.walk(module.tree):
        match node:
            case ast.ImportFrom(level=level) if level > 0:
                yield node.lineno


def imports_by_name(module: Module) -> Iterator[int]:
    """Yield the lines that import what a text names, outside the profiles: the import contracts do not see those."""
    if module.name == "memoryos_adapters.profiles.llms":
        return
    names = {"__import__", "import_module", "resolve_name"}
    for node in ast.walk(module.tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) if name in names:
                yield node.lineno
            case ast.ImportFrom() if names & {alias.name for alias in node.names}:
                yield node.lineno


def log_sinks(module: Module) -> Iterator[int]:
    """Yield the lines that add, remove or configure sinks of loguru, outside `__main__` and `logging`."""
    if module.name.rpartition(".")[2] in {"__main__", "logging"}:
        return
    for node in ast.walk(module.tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="logger"), attr="add" | "remove" | "configure")):
                yield node.lineno


def missing_docstring(module: Module) -> Iterator[int]:
    """Yield line 1 when the module does not begin with a docstring."""
    if not ast.get_docstring(module.tree):
        yield 1


RULES: list[tuple[Finder, str]] = [
    (environment_reads, "import os\nx = os.environ['HOME']"),
    (environment_reads, "from os import getenv"),
    (prints, "print('x')"),
    (relative_imports, "from .x import y"),
    (imports_by_name, "import importlib\nimportlib.import_module('x')"),
    (imports_by_name, "from pkgutil import resolve_name as resolved"),
    (imports_by_name, "__import__('x')"),
    (log_sinks, "from loguru import logger\nlogger.add('x')"),
    (missing_docstring, "x = 1"),
]


@pytest.mark.parametrize("find", dict.fromkeys(find for find, _ in RULES), ids=lambda find: find.__name__)
def test_no_module_breaks_the_rule(find: Finder) -> None:
    found = [f"{module.path}:{line}" for module in all_modules() for line in find(module)]
    assert not found, f"{find.__doc__}\n" + "\n".join(found)


@pytest.mark.parametrize(("find", "offence"), RULES)
def test_the_rule_sees_an_offence(find: Finder, offence: str) -> None:
    module = all_modules()[0]._replace(name="memoryos_core.offence", tree=ast.parse(offence))
    assert list(find(module))
