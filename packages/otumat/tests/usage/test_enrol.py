"""Enrolment: browser over loopback, device code, anonymous, and the old way."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.parse import parse_qsl, urlencode, urlsplit
from urllib.request import ProxyHandler, Request, build_opener  # noqa: TID251 - somebody's browser

import pytest

from harness.waiting import PATIENCE_S
from otumat.errors import Conflict, OtumatError, Refused, Unreachable
from otumat.spec.consent import ON
from otumat.usage import tokens
from otumat.usage.enrol import enrol, has_display
from otumat.usage.enrol.asked import Asked
from otumat.usage.enrol.device import enrol_by_code
from otumat.usage.hosts import discover, usage_transport

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from otumat.testing.usage import UsageHost
    from otumat.usage.tokens import Credential


@pytest.fixture(autouse=True)
def no_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROWSER", "true")


def get(url: str, **headers: str) -> int:
    try:
        with build_opener(ProxyHandler({})).open(Request(url, headers=headers), timeout=PATIENCE_S) as answer:
            return int(answer.status)
    except HTTPError as exc:
        with exc:
            return exc.code


def enrol_with(folder: str, page: Any, *, timeout_s: float = PATIENCE_S, way: str = "browser") -> Credential:
    """Enrol, with somebody at the browser who does what `page` says with the link's query."""
    visitors: list[threading.Thread] = []

    def tell(text: str) -> None:
        _, _, link = text.partition("browser: ")
        if link:
            query = dict(parse_qsl(urlsplit(link).query, keep_blank_values=True))
            visitors.append(threading.Thread(target=page, args=(query, link)))
            visitors[-1].start()

    try:
        return enrol(
            folder,
            way=way,
            config={},
            tell=tell,
            timeout_s=timeout_s,
            over=usage_transport(silence_s=PATIENCE_S, total_s=PATIENCE_S),
        )
    finally:
        for visitor in visitors:
            visitor.join()


@pytest.fixture
def consenting(folder: str, host: UsageHost, say: Callable[..., None]) -> str:
    say(ON, url=host.url, account="required")
    return folder


def test_a_yes_in_the_browser_gives_a_credential_that_only_this_user_can_read(consenting: str, host: UsageHost) -> None:
    known = enrol_with(consenting, lambda query, link: get(host.consented(query)))
    assert known == tokens.read(tokens.path_of(consenting))
    assert os.stat(tokens.path_of(consenting)).st_mode & 0o777 == 0o600
    assert os.stat(consenting).st_mode & 0o777 == 0o700


def test_the_browser_is_told_what_came_of_it(consenting: str, host: UsageHost) -> None:
    shown: list[str] = []

    def page(query: dict[str, str], link: str) -> None:
        with build_opener(ProxyHandler({})).open(host.consented(query), timeout=PATIENCE_S) as answer:
            shown.append(answer.read().decode())

    enrol_with(consenting, page)
    assert "Thank you. You can close this page." in shown[0]


def test_the_link_has_pkce_state_and_no_secret(consenting: str, host: UsageHost) -> None:
    seen: list[dict[str, str]] = []

    def page(query: dict[str, str], link: str) -> None:
        seen.append(query)
        get(host.consented(query))

    enrol_with(consenting, page)
    (query,) = seen
    assert query["code_challenge_method"] == "S256"
    assert len(query["code_challenge"]) == len(query["state"]) == 43
    assert (query["client_id"], query["scope"], query["project"]) == ("otumat-usage", "usage", "hostpkg")
    verifier = host.to("/auth/token")[0].form["code_verifier"]
    assert verifier not in str(query)


def test_K18_no_token_is_ever_in_an_address(consenting: str, host: UsageHost) -> None:
    known = enrol_with(consenting, lambda query, link: get(host.consented(query)))
    for asked in host.asked:
        assert known.access_token not in asked.path
        assert known.refresh_token not in asked.path


def test_K19_only_the_answer_to_our_question_counts(consenting: str, host: UsageHost) -> None:
    """No state, a wrong one, another issuer, a foreign Host, nothing at all: refused, and the wait goes on."""
    statuses: list[int] = []

    def page(query: dict[str, str], link: str) -> None:
        callback, state = query["redirect_uri"], query["state"]
        base = callback.removesuffix("/usage-consented")
        right = {"code": "x", "state": state, "iss": host.url}
        for bad in ({"state": ""}, {"state": state + "x"}, {"iss": "https://evil.example.org"}, {"iss": ""}):
            statuses.append(get(f"{callback}?{urlencode({**right, **bad})}"))
        statuses.append(get(f"{callback}?{urlencode({'error': 'access_denied'})}"))
        statuses.append(get(f"{callback}?{urlencode({'state': state, 'iss': host.url})}"))
        statuses.append(get(f"{callback}?{urlencode(right)}&state=twice"))
        statuses.append(get(f"{callback}?{urlencode(right)}", Host="evil.example.org"))
        statuses.append(get(f"{base}/install-completed?accessToken=x"))
        get(host.consented(query))

    enrol_with(consenting, page)
    assert statuses == [400, 400, 400, 400, 400, 400, 404, 404, 404]


def test_K19_the_listener_is_on_this_machine_only_and_closes(consenting: str, host: UsageHost) -> None:
    seen: list[str] = []

    def page(query: dict[str, str], link: str) -> None:
        seen.append(query["redirect_uri"])
        get(host.consented(query))

    enrol_with(consenting, page)
    assert urlsplit(seen[0]).hostname in ("127.0.0.1", "::1")
    with pytest.raises(OSError, match="refused"):
        get(seen[0])


def test_K20_a_browser_that_does_not_return_finds_the_listener_up_on_this_machine(
    consenting: str, host: UsageHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program that is the browser asks the listener at once, and then stays."""
    page, browser = tmp_path / "page.py", tmp_path / "browser"
    page.write_text(
        "import sys, time, urllib.error, urllib.parse, urllib.request\n"
        "query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(sys.argv[1]).query))\n"
        "try:\n    urllib.request.urlopen(query['redirect_uri'])\n"
        "except urllib.error.HTTPError as exc:\n    print(exc.code, query['redirect_uri'], file=open('found', 'w'))\n"
        "time.sleep(60)\n"
    )
    browser.write_text(f'#!/bin/sh\ncd {tmp_path}\necho $$ > pid\nexec {sys.executable} {page} "$1"\n')
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", str(browser))

    def answer_when_it_was_there(query: dict[str, str], link: str) -> None:
        until = time.monotonic() + PATIENCE_S / 2
        while not ((tmp_path / "found").exists() and (tmp_path / "found").read_text()) and time.monotonic() < until:
            time.sleep(0.02)
        get(host.consented(query))

    enrol_with(consenting, answer_when_it_was_there)
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    assert (tmp_path / "found").read_text().startswith("400 http://127.0.0.1:")


def test_a_no_in_the_browser_is_a_no(consenting: str, host: UsageHost) -> None:
    def page(query: dict[str, str], link: str) -> None:
        no = urlencode({"error": "access_denied", "state": query["state"], "iss": host.url})
        get(f"{query['redirect_uri']}?{no}")

    with pytest.raises(Refused, match="You said no"):
        enrol_with(consenting, page)


def test_K1_K21_nobody_at_the_browser_ends_in_time_and_stores_nothing(
    consenting: str, host: UsageHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with pytest.raises(Conflict, match="in time"):
        enrol_with(consenting, lambda query, link: None, timeout_s=0.3)
    assert tokens.read(tokens.path_of(consenting)) is None


def device(host: UsageHost, *answers: dict[str, str]) -> tuple[Any, list[float], list[str]]:
    host.device_answers = list(answers)
    slept: list[float] = []
    told: list[str] = []
    over = usage_transport(silence_s=PATIENCE_S, total_s=PATIENCE_S)
    there = discover(host.url, over=over)

    def run() -> Credential:
        asked = Asked("hostpkg", "", "", 1)
        return enrol_by_code(there, asked, tell=told.append, timeout_s=60, over=over, sleep=slept.append)

    return run, slept, told


def test_a_code_for_another_machines_browser(host: UsageHost) -> None:
    pending = {"error": "authorization_pending"}
    run, slept, told = device(host, pending, {"error": "slow_down"}, pending, {})
    assert run().account
    assert slept == [1, 1, 6, 6]
    assert "WDJB-MJHT" in told[0]
    assert f"{host.url}/device" in told[0]


def test_polling_survives_a_broken_line_and_slows_down(host: UsageHost) -> None:
    run, slept, _ = device(host, {})
    host.faults["/auth/token"] = ["reset", "reset"]
    assert run().install
    assert slept == [1, 2, 4]


@pytest.mark.parametrize(("error", "kind"), [("access_denied", Refused), ("expired_token", Conflict)])
def test_a_code_that_is_refused_or_late(host: UsageHost, error: str, kind: type[OtumatError]) -> None:
    run, _, _ = device(host, {"error": error})
    with pytest.raises(kind):
        run()


def test_without_a_display_the_code_is_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    assert not has_display()
    monkeypatch.setenv("DISPLAY", ":0")
    assert has_display()
    monkeypatch.setenv("SSH_CONNECTION", "x")
    assert not has_display()


def test_a_host_that_names_endpoints_elsewhere_is_not_spoken_to(host: UsageHost) -> None:
    body = (
        '{"issuer": "%s", "token_endpoint": "https://evil.example.org/t", "otumat_usage": {"consent_endpoint": "%s/c",'
        ' "install_endpoint": "%s/i", "event_endpoint": "%s/e"}}' % ((host.url,) * 4)
    ).encode()
    host.faults["/.well-known/oauth-authorization-server"] = [(200, {}, body), (500, {}, b""), (200, {}, b"{")]
    for _ in range(2):
        with pytest.raises(Unreachable):
            discover(host.url, over=usage_transport())
    assert discover(host.url, over=usage_transport()).dialect == "0.3"


def test_an_old_host_is_enrolled_with_in_its_own_way(consenting: str, host: UsageHost) -> None:
    host.is_old = True
    seen: dict[str, str] = {}
    statuses: list[int] = []

    def page(query: dict[str, str], link: str) -> None:
        seen.update(query)
        statuses.append(get(query["health"]))
        bad = {"accessToken": "A", "expiresIn": "3600.5", "installId": "i"}
        statuses.append(get(f"{query['redirect']}?{urlencode(bad)}"))
        good = {**bad, "expiresIn": "3600", "refreshToken": "R", "clientId": "c", "clientSecret": "s", "scope": "x"}
        statuses.append(get(f"{query['redirect']}?{urlencode(good)}"))

    known = enrol_with(consenting, page)
    assert statuses == [200, 400, 200]
    assert known.dialect == "0.3"
    assert urlsplit(seen["redirect"]).hostname == "127.0.0.1"
    assert (seen["macAddress"], seen["location"], seen["timezone"]) == ("", "", "")
