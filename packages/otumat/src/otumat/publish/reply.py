"""What an index answers, read into a receipt, an object or an error. Its text is never trusted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from otumat.errors import Conflict, Invalid, NotFound, OtumatError, Problem, Refused, Unauthenticated, Unreachable

if TYPE_CHECKING:
    from otumat.transport import Response

MAX_PROBLEMS = 1_000
MAX_TEXT = 2_000


@dataclass(frozen=True)
class Receipt:
    """
    The index has taken it, or would have.

    Attributes:
        action: `created`, `updated` or `verified`; `accepted` when the index does not say.
        name, version: As the index keeps them; may be empty.
        url: Address of the page that shows it; may be empty.
        problems: Warnings.
    """

    action: str
    name: str = ""
    version: str = ""
    url: str = ""
    problems: tuple[Problem, ...] = ()


def read(response: Response, *, asked: str) -> Receipt:
    """
    Read the answer to a POST.

    Args:
        asked: The URL that was asked, for messages.

    Errors:
        Unauthenticated, Refused, NotFound, Conflict, Invalid, Unreachable: by status; code, message and hint are those
        of the index where it gives them.
    """
    answer = accepted(response, asked=asked)
    return Receipt(
        action=text(answer.get("action")) or "accepted",
        name=text(answer.get("name")),
        version=text(answer.get("version")),
        url=_web_address(answer.get("url")),
        problems=_problems(answer.get("problems")),
    )


def accepted(response: Response, *, asked: str) -> dict[str, object]:
    """
    The JSON object of an answer that says yes; empty when it says so in another form.

    Errors:
        As `read`.
    """
    answer = _as_object(response)
    problems = _problems(answer.get("problems"))
    if 200 <= response.status < 300:
        if answer and not answer.get("ok", True):
            raise Invalid(problems, message=f"{asked} answers both yes and no.")
        return answer
    raise _error(response, answer, problems, asked)


def _error(response: Response, answer: dict[str, object], problems: tuple[Problem, ...], asked: str) -> OtumatError:
    told = answer.get("error")
    error: dict[str, object] = told if isinstance(told, dict) else {}
    code, hint = text(error.get("code")), text(error.get("hint"))
    message = text(error.get("message")) or _said(response)
    if problems:
        invalid = Invalid(problems, message=message, hint=hint)
        invalid.code = code or invalid.code
        return invalid
    match response.status:
        case 401:
            hint = hint or "Check the user name and the password or token."
            return Unauthenticated(message or "The index does not accept these credentials.", code=code, hint=hint)
        case 403:
            return Refused(message or "The index refuses this.", code=code, hint=hint)
        case 404 | 405 if not error:
            return NotFound(
                f"There is nothing to ask at {asked}.",
                code="index.other",
                hint="Is this the root address of the index, and does it offer this?",
            )
        case 404:
            return NotFound(message, code=code, hint=hint)
        case 409:
            return Conflict(message or "This clashes with what the index has.", code=code, hint=hint)
        case 429:
            hint = hint or "Wait a little, then do it again."
            return Unreachable(message or "The index asks for patience.", code=code or "unreachable.busy", hint=hint)
        case status if status >= 500:
            hint = hint or "Nothing is wrong with what was sent; try again later."
            return Unreachable(f"The index failed ({message or status}).", code=code or "unreachable.failed", hint=hint)
        case status:
            return OtumatError(
                message or f"The index answered with status {status}.", code=code or "refused", hint=hint
            )


def _as_object(response: Response) -> dict[str, object]:
    """The JSON object of an answer; empty when it is something else, as from an index of another make."""
    from json import loads

    if response.media_type != "application/json":
        return {}
    try:
        answer = loads(response.body)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _problems(told: object) -> tuple[Problem, ...]:
    items = told[:MAX_PROBLEMS] if isinstance(told, list) else []
    return tuple(_problem(item) for item in items if isinstance(item, dict))


def _problem(item: dict[str, object]) -> Problem:
    suggestions = item.get("suggestions")
    return Problem(
        text(item.get("code")),
        text(item.get("field")),
        text(item.get("message")),
        value=text(item.get("value")),
        hint=text(item.get("hint")),
        rule=text(item.get("rule")),
        suggestions=[text(each) for each in suggestions[:10]] if isinstance(suggestions, list) else (),
        severity="warning" if item.get("severity") == "warning" else "error",
    )


def _said(response: Response) -> str:
    """A short plain answer, or the status in words: other indexes say what is wrong in one of the two."""
    said = response.body[:500].decode(errors="replace").strip() if response.media_type == "text/plain" else ""
    return said or (f"{response.status} {response.reason}".strip() if response.reason else "")


def text(value: object) -> str:
    """A bounded text out of an answer; empty when it is none."""
    return value[:MAX_TEXT] if isinstance(value, str) else ""


def _web_address(value: object) -> str:
    address = text(value)
    return address if address.startswith(("https://", "http://")) else ""
