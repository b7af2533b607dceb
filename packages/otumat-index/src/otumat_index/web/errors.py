"""The one table from our errors to HTTP, and the pages people see when something is wrong."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from otumat.errors import (
    Conflict,
    Invalid,
    NotFound,
    OtumatError,
    Problem,
    Refused,
    Unauthenticated,
    Unreachable,
    Untrusted,
)


class TooMany(Refused):
    """Allowed, but not so often; `retry_after_s` is when to come again."""

    default_code = "too_many"

    def __init__(self, message: str, *, hint: str, retry_after_s: int) -> None:
        super().__init__(message, hint=hint)
        self.retry_after_s = retry_after_s


STATUS: dict[type[OtumatError], int] = {
    Invalid: 400,
    Unauthenticated: 401,
    Refused: 403,
    NotFound: 404,
    Conflict: 409,
    Untrusted: 400,
    Unreachable: 502,
}
TITLES = {
    400: "That cannot be accepted",
    401: "Please sign in",
    403: "Not allowed",
    404: "Not found",
    405: "Not that way",
    406: "Not in that form",
    409: "That clashes with what is there",
    410: "Over",
    413: "Too large",
    415: "Not in that form",
    429: "Too many tries",
    500: "Something went wrong on our side",
    502: "Somebody else did not answer",
}


SPECIAL: dict[str, int] = {
    "too_large": 413,
    "locked_out": 429,
    "too_many": 429,
    "withdrawn": 410,
    "stopped": 410,
    "media_type": 415,
}


CHALLENGE = {"invalid_token": 'Bearer realm="Otumat", error="invalid_token"'}
"""Where no login would do (RFC 6750, 3), and a browser is not to ask for one."""


def status_of(error: OtumatError) -> int:
    """The HTTP status of an error: its code's own where there is one, else that of its nearest class in the table."""
    if error.code in SPECIAL:
        return SPECIAL[error.code]
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def wants(request: HttpRequest) -> str:
    """`json`, `html` or `text`: what this client reads. Uploaders that name nothing get a line of text."""
    accept = request.headers.get("Accept", "")
    if "json" in accept or request.path.startswith(("/api/", "/oauth/", "/auth/")):
        return "json"
    return "html" if "text/html" in accept else "text"


def answer(request: HttpRequest, error: OtumatError) -> HttpResponse:
    """An error as JSON, a page, or plain text whose reason phrase carries the first problem (twine shows only that)."""
    problems = error.problems if isinstance(error, Invalid) else ()
    response = reply(request, status_of(error), error.code, error.message, error.hint, problems)
    if isinstance(error, TooMany):
        response["Retry-After"] = str(error.retry_after_s)
    if response.status_code == 401:
        response["WWW-Authenticate"] = CHALLENGE.get(error.code, 'Basic realm="Otumat", charset="UTF-8"')
    return response


def reply(
    request: HttpRequest, status: int, code: str, message: str, hint: str = "", problems: tuple[Problem, ...] = ()
) -> HttpResponse:
    """One failed answer in the form the client accepts."""
    form = wants(request)
    response: HttpResponse
    if form == "json":
        body: dict[str, Any] = {
            "ok": False,
            "error": {"code": code, "message": message, "hint": hint},
            "problems": [problem.as_dict() for problem in problems],
        }
        response = JsonResponse(body, status=status)
    elif form == "html":
        context = {
            "status": status,
            "title": TITLES.get(status, "Error"),
            "message": message,
            "hint": hint,
            "problems": problems,
        }
        response = render(request, "web/error.html", context, status=status)
    else:
        lines = [f"{message} {hint}".strip(), *(f"- {problem}" for problem in problems)]
        response = HttpResponse("\n".join(lines) + "\n", status=status, content_type="text/plain; charset=utf-8")
    response.reason_phrase = reason(message, problems)
    response["Cache-Control"] = "no-store"
    response["Vary"] = "Accept"
    return response


def reason(message: str, problems: tuple[Problem, ...]) -> str:
    """A reason phrase: one line of printable ASCII, whatever a client sent (no header can be smuggled in)."""
    text = "; ".join(str(problem) for problem in problems if problem.severity == "error") or message
    return "".join(char if " " <= char <= "~" else "?" for char in text)[:400]


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return reply(
        request, 400, "bad_request", "The request cannot be read.", "Check the address and the form that was sent."
    )


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return reply(request, 403, "refused", "You are not allowed to do that.")


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return reply(
        request, 404, "not_found", "There is nothing at this address.", "Check the spelling, or search the index."
    )


def server_error(request: HttpRequest) -> HttpResponse:
    said = ("This is our mistake, not yours.", "It has been logged. Please try again in a moment.")
    try:
        return reply(request, 500, "error", *said)
    except Exception:  # noqa: BLE001 - what broke the answer (the database, say) may break its page as well
        return HttpResponse(" ".join(said) + "\n", status=500, content_type="text/plain; charset=utf-8")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return reply(
        request,
        403,
        "csrf",
        "This form had expired, or came from another site.",
        "Go back, reload the page and send it again.",
    )


def locked_out(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
    return reply(
        request, 429, "locked_out", "Too many failed logins.", "Wait a quarter of an hour, or reset your password."
    )


def too_many_requests(request: HttpRequest) -> HttpResponse:
    return reply(request, 429, "too_many", "Too many requests of this kind.", "Wait a few minutes, then try again.")
