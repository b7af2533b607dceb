"""The spelling that project names are compared by. Apart from `names`, for each verdict asks: nothing is imported."""

from __future__ import annotations


def normalize(name: str) -> str:
    """
    The spelling two names are compared by: lower case, runs of `-`, `_` and `.` as one `-`.

    Never raises; text that is no valid name comes out lower-cased too. `normalize("Foo.__Bar")` is `"foo-bar"`.

    Source: PEP 503, "Normalized Names".
    """
    spelling = name.replace("_", "-").replace(".", "-")
    while "--" in spelling:
        spelling = spelling.replace("--", "-")
    return spelling.lower()  # last: how a final sigma is lowered depends on what stands behind it
