"""Shift the product's clock by what a file says; on the path of the processes whose clock a test steps, of no others."""

import importlib.abc
import importlib.machinery
import os
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from types import ModuleType

_CLOCK = "isolation.clock"


class _Shifted(importlib.machinery.SourceFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        """Put a shifted clock in the place of the right one."""
        super().exec_module(module)
        right, said = module.now, Path(os.environ["FAULTS_CLOCK"])
        module.__dict__["now"] = lambda: right() + timedelta(seconds=float(said.read_text() or 0))


class _Finder(importlib.abc.MetaPathFinder):
    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Find the one module that is shifted."""
        if name != _CLOCK:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.origin is not None:
            spec.loader = _Shifted(name, spec.origin)
        return spec


sys.meta_path.insert(0, _Finder())
