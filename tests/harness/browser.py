"""A browser without scripts and pictures: cookies, redirects, pages and their forms."""

from __future__ import annotations

import html
import http.client
import re
from contextlib import closing
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urljoin, urlsplit

from harness.server import Index
from harness.waiting import PATIENCE_S

REDIRECTS_MOST = 5


@dataclass
class Browser:
    """
    One person's browser, at one index.

    Attributes:
        url: Address of the page it shows, with that page's `status` and `text`.
    """

    index: Index
    url: str = ""
    status: int = 0
    text: str = ""
    cookies: dict[str, str] = field(default_factory=dict)

    def open(self, url: str, **fields: str) -> Browser:
        """Open a page, by its address or path; with fields, as a form sent from the page before."""
        referer, self.url = self.url, urljoin(self.index.public_url, url)
        place = self._ask("POST" if fields else "GET", urlencode(fields), referer)
        for _ in range(REDIRECTS_MOST):
            if not place:
                return self
            self.url = urljoin(self.url, place)
            place = self._ask("GET", "", referer)
        raise AssertionError(f"{url} leads from one page to the next, at last to {self.url}")

    def submit(self, button: str, **fields: str) -> Browser:
        """Fill in the form that has this button, and press it."""
        forms = re.findall(r'<form[^>]*method="post".*?</form>', self.text, re.DOTALL)
        fitting = [form for form in forms if f">{button}</button>" in form]
        assert len(fitting) == 1, f"{self.url} has {len(fitting)} forms with the button {button!r}:\n{self.text}"
        action = re.search(r'<form[^>]* action="([^"]+)"', fitting[0])
        hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', fitting[0])
        place = urljoin(self.url, html.unescape(action[1])) if action else self.url
        return self.open(place, **{name: html.unescape(value) for name, value in hidden}, **fields)

    def sign_in(self, name: str, password: str) -> Browser:
        return self.open("/account/login/").submit("Sign in", login=name, password=password)

    def is_signed_in(self) -> bool:
        """Whether it is shown its own account (and not the question who it is)."""
        return urlsplit(self.open("/account/").url).path == "/account/"

    def _ask(self, method: str, body: str, referer: str) -> str:
        """One request to `url`; returns where it is sent on to."""
        target = urlsplit(self.url)
        assert f"{target.scheme}://{target.netloc}" == self.index.public_url, f"{self.url} is elsewhere"
        headers = {"Host": target.netloc, "Cookie": "; ".join(f"{name}={text}" for name, text in self.cookies.items())}
        if method == "POST":
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Referer": referer}
        with closing(http.client.HTTPConnection("127.0.0.1", self.index.port, timeout=PATIENCE_S)) as connection:
            path = target._replace(scheme="", netloc="", fragment="").geturl()
            connection.request(method, path, body.encode() or None, headers)
            answer = connection.getresponse()
            self.status, self.text = answer.status, answer.read().decode()
        for line in answer.headers.get_all("Set-Cookie", []):
            self.cookies |= {name: each.value for name, each in SimpleCookie(line).items()}
        return answer.headers.get("Location", "") if 300 <= self.status < 400 else ""
