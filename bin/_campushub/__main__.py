"""Entry point: `python bin/_campushub/__main__.py COMMAND [ARGUMENT…]`, called by the scripts in bin/."""

from __future__ import annotations

import sys
from pathlib import Path

# The folder above, not this one: the modules here import each other as a package.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from _campushub.cli import main  # noqa: E402 - the line above makes it importable

sys.exit(main(sys.argv[1:]))
