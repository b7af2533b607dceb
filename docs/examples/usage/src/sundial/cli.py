"""`sundial hour 15.5` and `sundial shadow 15.5`."""

from __future__ import annotations

import sys

from sundial import dials


def main() -> int:
    """Show one dial."""
    if len(sys.argv) != 3 or sys.argv[1] not in ("hour", "shadow"):
        print("sundial hour|shadow TIME", file=sys.stderr)
        return 2
    print(f"{getattr(dials, sys.argv[1])(float(sys.argv[2])):.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
