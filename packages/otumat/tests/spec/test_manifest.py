from __future__ import annotations

import json
import re
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from otumat.errors import Invalid
from otumat.spec.manifest import DeclaredEvent, Manifest, digest, from_table, is_host, to_table, what_is_new

PROTOCOL = Path(__file__).parents[4] / "docs" / "protocol" / "usage.md"


def table(**changes: Any) -> dict[str, Any]:
    event = {"name": "fetch", "purpose": "How often.", "properties": {"backend": ["mysql", "other"]}}
    return {"project": "Data_Joint", "purpose": "To learn.", "event": [event], **changes}


def test_a_manifest_is_read_and_written_back() -> None:
    manifest = from_table(table(expires=date(2028, 1, 1), host="https://index.example.org/"))
    assert manifest.project == "data-joint"
    assert manifest.host == "https://index.example.org"
    assert from_table(to_table(manifest)) == manifest
    assert from_table(json.loads(json.dumps(to_table(manifest)))) == manifest


def test_every_problem_is_told_at_once() -> None:
    bad = {
        "project": "",
        "purpose": "two\nlines",
        "host": "http://index.example.org",
        "account": "maybe",
        "expires": "soon",
        "colour": "red",
        "event": [
            {"name": "a b", "purpose": "x"},
            {"name": "twice", "purpose": "x"},
            {"name": "twice", "purpose": "x"},
            {"name": "p", "purpose": "x", "properties": {"Bad": ["v"], "free": "text", "ok": ["has blank"]}},
            "nonsense",
        ],
    }
    with pytest.raises(Invalid) as caught:
        from_table(bad)
    fields = [problem.field for problem in caught.value.problems]
    assert set(fields) >= {"project", "purpose", "host", "account", "expires", "colour", "event.name", "event"}
    assert fields.count("event.properties") == 3


@pytest.mark.parametrize("values", [[], "text", [1], ["a", "a"], ["x" * 41], ["a"] * 51, ["/home/alice"]])
def test_a_property_needs_a_closed_vocabulary(values: object) -> None:
    with pytest.raises(Invalid):
        from_table(table(event=[{"name": "e", "purpose": "p", "properties": {"p": values}}]))


@pytest.mark.parametrize("name", ["until", "event_type"])
def test_names_that_mean_something_already_are_no_properties(name: str) -> None:
    with pytest.raises(Invalid):
        from_table(table(event=[{"name": "e", "purpose": "p", "properties": {name: ["v"]}}]))


def test_the_digest_does_not_know_order_but_everything_else() -> None:
    events = [{"name": "a", "purpose": "x"}, {"name": "b", "purpose": "y", "properties": {"p": ["v", "w"]}}]
    turned = [{"name": "b", "purpose": "y", "properties": {"p": ["w", "v"]}}, events[0]]
    first = digest(from_table(table(event=events)))
    assert re.fullmatch("sha256:[0-9a-f]{64}", first)
    assert digest(from_table(table(event=turned))) == first
    assert digest(from_table(table(event=events, purpose="Other."))) != first
    assert digest(from_table(table(event=events[:1]))) != first


def test_the_example_of_the_protocol_has_the_canonical_form_that_it_shows() -> None:
    text = PROTOCOL.read_text()
    manifest = from_table(tomllib.loads(re.search(r"```toml\n(.*?)```", text, re.S)[1]))  # type: ignore[index]
    shown = re.search(r'```json\n(\{"account".*?)\n```', text, re.S)[1]  # type: ignore[index]
    import hashlib

    assert digest(manifest) == "sha256:" + hashlib.sha256(shown.encode()).hexdigest()


def accepted(*events: DeclaredEvent) -> dict[str, DeclaredEvent]:
    return {event.name: event for event in events}


@pytest.mark.parametrize(
    ("before", "now", "new"),
    [
        (DeclaredEvent("e"), DeclaredEvent("e"), None),
        (None, DeclaredEvent("e"), DeclaredEvent("e")),
        (DeclaredEvent("e"), DeclaredEvent("e", "", (("p", ("v",)),)), DeclaredEvent("e", "", (("p", ("v",)),))),
        (
            DeclaredEvent("e", "", (("p", ("v",)), ("q", ("x",)))),
            DeclaredEvent("e", "", (("p", ("v", "w")), ("q", ("x",)))),
            DeclaredEvent("e", "", (("p", ("w",)),)),
        ),
        (DeclaredEvent("e", "", (("p", ("v",)),)), DeclaredEvent("e"), None),
        (
            DeclaredEvent("e", expires=date(2027, 1, 1)),
            DeclaredEvent("e", expires=date(2028, 1, 1)),
            DeclaredEvent("e", expires=date(2028, 1, 1)),
        ),
        (DeclaredEvent("e", expires=date(2028, 1, 1)), DeclaredEvent("e", expires=date(2027, 1, 1)), None),
        (DeclaredEvent("e"), DeclaredEvent("e", expires=date(2027, 1, 1)), None),
    ],
    ids=["same", "event", "property", "value", "smaller", "longer", "shorter", "ends now"],
)
def test_a_larger_manifest_asks_only_for_what_is_new(
    before: DeclaredEvent | None, now: DeclaredEvent, new: DeclaredEvent | None
) -> None:
    known = accepted(before) if before else {}
    assert what_is_new(Manifest("p", "why", (now,)), known) == ((new,) if new else ())


@pytest.mark.parametrize(
    ("host", "good"),
    [
        ("https://index.example.org", True),
        ("https://index.example.org:8443/base", True),
        ("http://localhost:8000", True),
        ("http://127.0.0.1", True),
        ("http://[::1]:80", True),
        ("http://index.example.org", False),
        ("http://127.0.0.1.example.org", False),
        ("https://alice@index.example.org", False),
        ("https://index.example.org/?x", False),
        ("file:///etc/passwd", False),
        ("https://a\nb", False),
        ("", False),
    ],
)
def test_uses_go_by_https_or_to_this_machine(host: str, good: bool) -> None:
    assert is_host(host) is good
