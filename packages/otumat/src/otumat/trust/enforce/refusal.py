"""What an import says of code that is not what was signed, and the warning of it."""

from __future__ import annotations

from otumat.errors import Untrusted


class UntrustedImport(Untrusted, ImportError):
    """
    A module, or an entry point, that may not run. Also an ImportError: to a program it is as if it were not there.

    Attributes:
        name: The module. path: Where it lies.
    """

    default_code = "module.untrusted"

    def __init__(self, message: str, *, name: str = "", path: str = "", code: str = "", hint: str = "") -> None:
        super().__init__(message, code=code, hint=hint)
        self.name, self.path = name, path


class UntrustedPlugin(UserWarning):
    """A plugin was refused, or (in the mode `warn`) loaded although it is not what somebody trusted signed."""
