"""
One family of errors, for both distributions.

Every message says what happened, with the value, then what to do, in a calm voice. `code` never changes once
released; text may improve. HTTP status codes are chosen in one table on the server (`otumat_index.web.errors`); nothing
here knows HTTP.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class Problem:
    """
    One thing that is wrong (or unwise) in what somebody sent, worded for a person and keyed for a program.

    Attributes:
        code: Stable identifier, dotted: `classifier.unknown`, `version.invalid`.
        field: Core-metadata field in lower case with underscores (`requires_dist`), or `content` for the file itself.
        value: The offending value as text, shortened to 200 characters; empty when the field is missing.
        message: What is wrong, with the value.
        hint: What to do about it; may be empty.
        rule: Where that is written: `PEP 440`, `core metadata: Name`.
        suggestions: What was perhaps meant, best first.
        severity: `error` stops a submission, `warning` is only told.
    """

    __slots__ = ("code", "field", "hint", "message", "rule", "severity", "suggestions", "value")

    def __init__(
        self,
        code: str,
        field: str,
        message: str,
        *,
        value: str = "",
        hint: str = "",
        rule: str = "",
        suggestions: Iterable[str] = (),
        severity: str = "error",
    ) -> None:
        self.code = code
        self.field = field
        self.message = message
        self.value = value if len(value) <= 200 else value[:199] + "…"
        self.hint = hint
        self.rule = rule
        self.suggestions = tuple(suggestions)
        self.severity = severity

    def as_dict(self) -> dict[str, object]:
        """The same as JSON-ready values, in the order of the attributes above."""
        return {
            "code": self.code,
            "field": self.field,
            "value": self.value,
            "message": self.message,
            "hint": self.hint,
            "rule": self.rule,
            "suggestions": list(self.suggestions),
            "severity": self.severity,
        }

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Problem) and self.as_dict() == other.as_dict()

    def __hash__(self) -> int:
        return hash((self.code, self.field, self.value))

    def __repr__(self) -> str:
        return f"Problem({self.code!r}, {self.field!r}, {self.message!r})"

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" + (f" {self.hint}" if self.hint else "")


class OtumatError(Exception):
    """What all our errors have in common: a stable `code`, a `message`, and a `hint` that says what to do."""

    default_code = "error"

    def __init__(self, message: str, *, code: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.code = code or self.default_code
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message


class Invalid(OtumatError):
    """What was sent breaks rules; `problems` names every one of them, so one round of mending is enough."""

    default_code = "invalid"

    def __init__(self, problems: Iterable[Problem], *, message: str = "", hint: str = "") -> None:
        self.problems = tuple(problems)
        errors = sum(1 for problem in self.problems if problem.severity == "error")
        super().__init__(message or f"{errors} thing{'s' if errors != 1 else ''} to mend.", hint=hint)


class Refused(OtumatError):
    """Understood, but not allowed for whoever asks."""

    default_code = "refused"


class Unauthenticated(Refused):
    """Nobody is signed in, or the credentials do not hold."""

    default_code = "unauthenticated"


class NotFound(OtumatError):
    """There is no such thing, or none that whoever asks may see."""

    default_code = "not_found"


class Conflict(OtumatError):
    """It clashes with what is there already."""

    default_code = "conflict"


class Untrusted(OtumatError):
    """A signature, digest or key does not vouch for what was presented."""

    default_code = "untrusted"


class Unreachable(OtumatError):
    """The other side did not answer, or not in the language agreed on."""

    default_code = "unreachable"
