"""
The standard library's HTTP.

TLS certificates are always verified; an answer is never larger than `max_body_bytes` nor slower than `total_s`; a GET
follows redirects on the same host only; a POST follows none, for credentials and files go where they were addressed.
"""
# ruff: noqa: TID251 - urllib.request is banned everywhere else

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from otumat.errors import Unreachable
from otumat.transport.exchange import Response
from otumat.transport.form import Form

if TYPE_CHECKING:
    import http.client
    import urllib.request

    from otumat.transport.exchange import Request

READ_BYTES = 64 * 1024
MAX_BODY_BYTES = 16 * 1024 * 1024
MAX_REDIRECTS = 5


class UrllibTransport:
    """
    The standard library's HTTP. Proxies come from the environment, certificates from the system (or SSL_CERT_FILE).

    Args:
        silence_s: Longest wait for a connection or for the next byte.
        total_s: Longest time an answer may take to arrive once the request is sent.
        max_body_bytes: Largest answer that is accepted.
    """

    def __init__(
        self, *, user_agent: str, silence_s: float = 60, total_s: float = 300, max_body_bytes: int = MAX_BODY_BYTES
    ) -> None:
        self._user_agent = user_agent
        self._silence_s = silence_s
        self._total_s = total_s
        self._max_body_bytes = max_body_bytes
        self._opener: urllib.request.OpenerDirector | None = None

    def send(self, request: Request) -> Response:
        """See Transport.send."""
        url = request.url
        for _ in range(MAX_REDIRECTS + 1):
            response = self._send_once(request, url)
            location = response.headers.get("location", "")
            if response.status not in (301, 302, 303, 307, 308) or not location:
                return response
            try:
                url = _followed(request.method, url, urljoin(url, location))
            except ValueError as exc:
                raise _no_address(location) from exc
        raise Unreachable(f"{_host(request.url)} redirects in circles.", code="unreachable.redirect")

    def _send_once(self, request: Request, url: str) -> Response:
        from http.client import HTTPException
        from urllib.error import URLError

        if not url.startswith(("http://", "https://")):
            raise _no_address(url)
        if self._opener is None:
            self._opener = _opener()
        try:
            with self._opener.open(self._as_urllib(request, url), timeout=self._silence_s) as answer:
                return self._read(answer, url)
        except URLError as exc:
            raise _unreachable(url, exc.reason) from exc
        except (OSError, HTTPException) as exc:
            raise _unreachable(url, exc) from exc
        except ValueError as exc:  # characters that no address has
            raise _no_address(url) from exc

    def _as_urllib(self, request: Request, url: str) -> urllib.request.Request:
        from urllib.request import Request as UrllibRequest

        headers = {"User-Agent": self._user_agent, "Accept-Encoding": "identity", **request.headers}
        body = request.body
        if isinstance(body, Form):
            headers |= {"Content-Type": body.content_type, "Content-Length": str(body.size_bytes)}
        return UrllibRequest(url, data=body, headers=headers, method=request.method)  # type: ignore[arg-type]  # noqa: S310

    def _read(self, answer: http.client.HTTPResponse, url: str) -> Response:
        from time import monotonic

        deadline = monotonic() + self._total_s
        pieces, size = [], 0
        while piece := answer.read1(READ_BYTES):
            pieces.append(piece)
            size += len(piece)
            if size > self._max_body_bytes:
                limit = f"{self._max_body_bytes / 1_000_000:.0f} MB"
                raise Unreachable(f"The answer of {_host(url)} is larger than {limit}.", code="unreachable.too_large")
            if monotonic() > deadline:
                raise Unreachable(
                    f"The answer of {_host(url)} took longer than {self._total_s:.0f} s.", code="unreachable.timeout"
                )
        if answer.length:  # what is left of the announced Content-Length
            raise _unreachable(url, "the answer is incomplete")
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Response(status=answer.status, headers=headers, body=b"".join(pieces), reason=answer.reason or "")


def _followed(method: str, url: str, target: str) -> str:
    """Where a redirect may lead: the same host, never from https to http, and for reading only."""
    here, there = urlsplit(url), urlsplit(target)
    if method not in ("GET", "HEAD"):
        raise Unreachable(
            f"{url} has moved to {target}.", code="unreachable.redirect", hint="Give the new address with --index."
        )
    upgrade = (here.scheme, there.scheme) == ("http", "https") and here.port is None and there.port is None
    same_server = (here.scheme, here.netloc) == (there.scheme, there.netloc)
    if not (same_server or (upgrade and here.hostname == there.hostname)):
        raise Unreachable(
            f"{_host(url)} redirects to another place, {target}, which was not asked.",
            code="unreachable.redirect",
            hint="If you trust that place, give its address with --index.",
        )
    return target


def _no_address(url: str) -> Unreachable:
    return Unreachable(f"{url} is no http or https address.", code="unreachable.address")


def _host(url: str) -> str:
    return urlsplit(url).netloc


def _unreachable(url: str, reason: object) -> Unreachable:
    """Say why there was no answer in words that tell what to look at."""
    from socket import gaierror
    from ssl import SSLCertVerificationError, SSLError

    host = _host(url)
    if isinstance(reason, SSLCertVerificationError):
        return Unreachable(
            f"The certificate of {host} does not hold: {reason.verify_message}.",
            code="unreachable.certificate",
            hint="If this index has a certificate authority of its own, name its file in SSL_CERT_FILE.",
        )
    if isinstance(reason, SSLError):
        return Unreachable(
            f"{host} does not speak TLS as expected.", code="unreachable.tls", hint="Is it http:// perhaps?"
        )
    if isinstance(reason, TimeoutError):
        return Unreachable(f"{host} did not answer in time.", code="unreachable.timeout", hint="Try again later.")
    if isinstance(reason, gaierror):
        return Unreachable(
            f"There is no host {host}, or no network.", code="unreachable.host", hint="Check the address."
        )
    if isinstance(reason, ConnectionRefusedError):
        return Unreachable(
            f"Nothing answers at {host}.", code="unreachable.refused", hint="Is the index running there?"
        )
    detail = getattr(reason, "strerror", None) or reason
    return Unreachable(f"The exchange with {host} broke off: {detail}.", code="unreachable.broken", hint="Try again.")


def _opener() -> urllib.request.OpenerDirector:
    """
    An opener that knows http and https and nothing else: no file:, no ftp:, no cookies, no redirects of its own, and an
    answer with an error status is returned like any other.
    """
    import http.client
    import ssl
    import urllib.request

    class EarlyAnswers(http.client.HTTPConnection):
        """
        A server may answer (401, 413) and close before it has read a large body; then the answer counts, not the pipe.
        """

        def request(self, *args: object, **kwargs: object) -> None:
            try:
                super().request(*args, **kwargs)  # type: ignore[arg-type]
            except (BrokenPipeError, ConnectionResetError):
                # Headers were sent if there is a socket; getresponse() raises when nothing was answered.
                if self.sock is None:
                    raise

    class EarlyAnswersTls(EarlyAnswers, http.client.HTTPSConnection):
        pass

    class Http(urllib.request.HTTPHandler):
        def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(EarlyAnswers, req)

    class Https(urllib.request.HTTPSHandler):
        def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(EarlyAnswersTls, req, context=context)

    context = ssl.create_default_context()
    opener = urllib.request.OpenerDirector()
    for handler in (urllib.request.ProxyHandler(), Http(), Https(context=context)):
        opener.add_handler(handler)
    opener.addheaders = []
    return opener
