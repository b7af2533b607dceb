"""`python -m otumat` is the command `otumat`."""

from __future__ import annotations

import sys

from otumat.cli import main

if __name__ == "__main__":
    sys.exit(main())
