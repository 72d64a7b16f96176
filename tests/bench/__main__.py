"""Run every benchmark of this folder, or those that are named: ``python -m tests.bench client``."""

from __future__ import annotations

import compileall
import importlib
import sys
from pathlib import Path

import beanops

names = sorted(path.stem for path in Path(__file__).parent.glob("bench_*.py"))
wanted = [f"bench_{name}" for name in sys.argv[1:]]
if unknown := set(wanted) - set(names):
    sys.exit(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(names)}")
# As it is installed: where Python may write nothing, each start would compile all of a checkout anew.
for folder in beanops.__path__:
    compileall.compile_dir(folder, quiet=1)
for name in wanted or names:
    importlib.import_module(f"tests.bench.{name}").main()
