"""Which token satisfies which publisher: tables."""

from __future__ import annotations

from typing import Any

import pytest

from otumat_index import issuers
from otumat_index.publish.trusted import rules

GITHUB = {"repository": "acme/rocket", "workflow": "release.yml"}
REF = "refs/heads/main"
RUN: dict[str, Any] = {
    "repository": "acme/rocket",
    "repository_owner": "acme",
    "repository_owner_id": "1234",
    "workflow_ref": f"acme/rocket/.github/workflows/release.yml@{REF}",
    "job_workflow_ref": f"acme/rocket/.github/workflows/release.yml@{REF}",
    "ref": REF,
    "sha": "c" * 40,
    "event_name": "push",
}
GITLAB = {"project": "acme/tools/rocket", "ci_config": ".gitlab-ci.yml"}
PIPELINE: dict[str, Any] = {
    "project_path": "acme/tools/rocket",
    "namespace_id": "77",
    "ci_config_ref_uri": f"git.example.org/acme/tools/rocket//.gitlab-ci.yml@{REF}",
    "ref_path": REF,
    "pipeline_source": "push",
}
GOOGLE = {"email": "ci@acme.iam.example.org"}
ACCOUNT: dict[str, Any] = {"email": "ci@acme.iam.example.org", "email_verified": True, "sub": "1111"}
OTHER = {"sub": "system:build:rocket"}
BUILD: dict[str, Any] = {"sub": "system:build:rocket", "stage": "release", "number": 7, "is_protected": True}
ISSUER = "https://git.example.org"

CASES: dict[str, tuple[str, dict[str, Any], dict[str, Any], bool]] = {
    # name: (kind, claims of the publisher, what differs in the token, whether it matches)
    "github": ("github", GITHUB, {}, True),
    "github in other letters": ("github", {**GITHUB, "repository": "Acme/ROCKET"}, {}, True),
    "github at a commit": (
        "github",
        GITHUB,
        {"job_workflow_ref": RUN["job_workflow_ref"][: -len(REF)] + "c" * 40},
        True,
    ),
    "another repository": ("github", GITHUB, {"repository": "evil/rocket"}, False),
    "another owner's": ("github", GITHUB, {"repository_owner": "evil"}, False),
    "another workflow": ("github", GITHUB, {"workflow_ref": f"acme/rocket/.github/workflows/test.yml@{REF}"}, False),
    "reusable workflow of the same name elsewhere": (
        "github",
        GITHUB,
        {"job_workflow_ref": f"evil/rocket/.github/workflows/release.yml@{REF}"},
        False,
    ),
    "ours called by another workflow": (
        "github",
        GITHUB,
        {"workflow_ref": f"acme/rocket/.github/workflows/test.yml@{REF}"},
        False,
    ),
    "ours called by another repository": (
        "github",
        GITHUB,
        {"repository": "evil/rocket", "workflow_ref": f"evil/rocket/.github/workflows/release.yml@{REF}"},
        False,
    ),
    "a file name that begins like ours": (
        "github",
        GITHUB,
        dict.fromkeys(("workflow_ref", "job_workflow_ref"), f"acme/rocket/.github/workflows/release.yml@x.yml@{REF}"),
        False,
    ),
    "a workflow in another folder": (
        "github",
        GITHUB,
        {"workflow_ref": f"acme/rocket/.github/workflows/../release.yml@{REF}"},
        False,
    ),
    "a repository that ends like ours": (
        "github",
        GITHUB,
        {"job_workflow_ref": f"evil-acme/rocket/.github/workflows/release.yml@{REF}"},
        False,
    ),
    "workflow in other letters": ("github", {**GITHUB, "workflow": "Release.yml"}, {}, False),
    "no workflow": ("github", GITHUB, {"workflow_ref": None}, False),
    "no job": ("github", GITHUB, {"job_workflow_ref": None}, False),
    "no ref": ("github", GITHUB, {"ref": "", "sha": ""}, False),
    "no owner id": ("github", GITHUB, {"repository_owner_id": None}, False),
    "the owner id that was given": ("github", {**GITHUB, "repository_owner_id": "1234"}, {}, True),
    "another owner id than was given": ("github", {**GITHUB, "repository_owner_id": "99"}, {}, False),
    "environment": ("github", {**GITHUB, "environment": "Release"}, {"environment": "release"}, True),
    "any environment will do": ("github", GITHUB, {"environment": "release"}, True),
    "another environment": ("github", {**GITHUB, "environment": "release"}, {"environment": "test"}, False),
    "no environment": ("github", {**GITHUB, "environment": "release"}, {}, False),
    "claims that are lists": ("github", GITHUB, {"repository": ["acme/rocket"]}, False),
    "gitlab": ("gitlab", GITLAB, {}, True),
    "gitlab, other project": ("gitlab", GITLAB, {"project_path": "acme/rocket"}, False),
    "gitlab, other file": ("gitlab", {**GITLAB, "ci_config": "ci/release.yml"}, {}, False),
    "gitlab, configuration of another project": (
        "gitlab",
        GITLAB,
        {"ci_config_ref_uri": f"git.example.org/evil/rocket//.gitlab-ci.yml@{REF}"},
        False,
    ),
    "gitlab, configuration of another host": (
        "gitlab",
        GITLAB,
        {"ci_config_ref_uri": f"evil.example.org/acme/tools/rocket//.gitlab-ci.yml@{REF}"},
        False,
    ),
    "gitlab, no configuration": ("gitlab", GITLAB, {"ci_config_ref_uri": None}, False),
    "gitlab, other ref": ("gitlab", GITLAB, {"ref_path": "refs/merge-requests/1/head"}, False),
    "gitlab, environment": ("gitlab", {**GITLAB, "environment": "prod"}, {"environment": "prod"}, True),
    "gitlab, no environment": ("gitlab", {**GITLAB, "environment": "prod"}, {}, False),
    "google": ("google", GOOGLE, {}, True),
    "google, not verified": ("google", GOOGLE, {"email_verified": False}, False),
    "google, verified says a text": ("google", GOOGLE, {"email_verified": "true"}, False),
    "google, other account": ("google", GOOGLE, {"email": "evil@acme.iam.example.org"}, False),
    "google, the id that was given": ("google", {**GOOGLE, "sub": "2222"}, {}, False),
    "other": ("other", OTHER, {}, True),
    "other, to the letter": ("other", OTHER, {"sub": "System:build:rocket"}, False),
    "other, no subject": ("other", OTHER, {"sub": None}, False),
    "other, more claims": ("other", {**OTHER, "extra": {"stage": "release", "number": "7"}}, {}, True),
    "other, booleans as JSON has them": ("other", {**OTHER, "extra": {"is_protected": "true"}}, {}, True),
    "other, another value": ("other", {**OTHER, "extra": {"stage": "test"}}, {}, False),
    "other, a claim that is missing": ("other", {**OTHER, "extra": {"team": "x"}}, {}, False),
    "other, a list of values": ("other", {**OTHER, "extra": {"stage": "release"}}, {"stage": ["release"]}, False),
}
TOKENS = {"github": RUN, "gitlab": PIPELINE, "google": ACCOUNT, "other": BUILD}


@pytest.mark.parametrize("case", CASES)
def test_A57_a_token_is_of_a_publisher_only_if_it_says_everything(case: str) -> None:
    kind, claims, differs, expected = CASES[case]
    token = {name: value for name, value in {**TOKENS[kind], **differs}.items() if value is not None}
    checked, problems = rules.check_claims(kind, claims)
    assert not problems
    assert rules.matches(kind, checked, {}, token, issuer=ISSUER) is expected


@pytest.mark.parametrize(
    ("kind", "pin"), [("github", "repository_owner_id"), ("gitlab", "namespace_id"), ("google", "sub")]
)
def test_A57_a_resurrected_owner_has_another_id(kind: str, pin: str) -> None:
    claims = {"github": GITHUB, "gitlab": GITLAB, "google": GOOGLE}[kind]
    first = rules.pins(kind, TOKENS[kind])
    assert first == {pin: TOKENS[kind][pin]}
    assert rules.matches(kind, claims, first, TOKENS[kind], issuer=ISSUER)
    assert not rules.matches(kind, claims, first, {**TOKENS[kind], pin: "999"}, issuer=ISSUER)
    without = {name: value for name, value in TOKENS[kind].items() if name != pin}
    assert not rules.matches(kind, claims, first, without, issuer=ISSUER)


def test_kinds_read_different_claims_of_one_token() -> None:
    for kind in set(TOKENS) - {"github"}:
        claims = {"gitlab": GITLAB, "google": GOOGLE, "other": OTHER}[kind]
        assert not rules.matches(kind, claims, {}, RUN, issuer=ISSUER)


@pytest.mark.parametrize(
    ("kind", "name", "event", "is_refused"),
    [
        *[("github", "event_name", event, True) for event in sorted(rules.STRANGERS_EVENTS)],
        *[("github", "event_name", event, False) for event in ("push", "release", "workflow_dispatch", "schedule")],
        ("github", "event_name", "", True),
        *[("gitlab", "pipeline_source", event, True) for event in sorted(rules.STRANGERS_PIPELINES)],
        ("gitlab", "pipeline_source", "push", False),
        ("google", "event_name", "pull_request", False),
        ("other", "event_name", "pull_request", False),
    ],
)
def test_A57_runs_of_strangers_cannot_publish(kind: str, name: str, event: str, is_refused: bool) -> None:
    assert bool(rules.check_run(kind, {name: event})) is is_refused


AT = 1_750_000_000.0
GOOD: dict[str, Any] = {"iss": ISSUER, "aud": "us", "iat": AT, "nbf": AT, "exp": AT + 300, "jti": "1"}
TIMES: dict[str, tuple[dict[str, Any], set[str]]] = {
    "good": ({}, set()),
    "audience in a list": ({"aud": ["us"]}, set()),
    "just expired": ({"exp": AT - 29, "iat": AT - 300}, set()),
    "expired": ({"exp": AT - 30, "iat": AT - 300}, {"token.exp"}),
    "begins soon": ({"nbf": AT + 30}, set()),
    "begins later": ({"nbf": AT + 31}, {"token.nbf"}),
    "made in the future": ({"iat": AT + 31}, {"token.nbf"}),
    "lives too long": ({"exp": AT + 2 * 24 * 3600}, {"token.life"}),
    "ends before it begins": ({"iat": AT, "exp": AT - 1}, {"token.life"}),
    "no end": ({"exp": None}, {"token.times"}),
    "no beginning": ({"iat": None}, {"token.times"}),
    "an end that is a text": ({"exp": str(AT + 300)}, {"token.times"}),
    "an end that is true": ({"exp": True}, {"token.times"}),
    "an end that is no number": ({"exp": float("nan")}, {"token.times"}),
    "an end beyond time": ({"exp": 1e300}, {"token.times"}),
    "a begin that is none": ({"nbf": "now"}, {"token.times"}),
    "another issuer": ({"iss": "https://evil.example.org"}, {"token.iss"}),
    "another audience": ({"aud": "them"}, {"token.aud"}),
    "others as well": ({"aud": ["us", "them"]}, {"token.aud"}),
    "no audience": ({"aud": None}, {"token.aud"}),
    "an audience that is none": ({"aud": {"us": 1}}, {"token.aud"}),
    "a number that is none": ({"jti": ["1"]}, {"token.jti"}),
    "an empty number": ({"jti": ""}, {"token.jti"}),
    "everything at once": (
        {"aud": "them", "iss": "x", "exp": AT - 40, "iat": AT - 80},
        {"token.aud", "token.iss", "token.exp"},
    ),
}


@pytest.mark.parametrize("case", TIMES)
def test_A57_whose_for_whom_and_when(case: str) -> None:
    differs, expected = TIMES[case]
    token = {name: value for name, value in {**GOOD, **differs}.items() if value is not None}
    found = rules.check_token(token, kind="other", issuer=ISSUER, audience="us", at_s=AT)
    assert {problem.code for problem in found} == expected


WRONG: dict[str, tuple[str, dict[str, object], set[str]]] = {
    "nothing": ("github", {}, {"repository", "workflow"}),
    "half a repository": ("github", {**GITHUB, "repository": "rocket"}, {"repository"}),
    "an address": ("github", {**GITHUB, "repository": "https://git.example.org/acme/rocket"}, {"repository"}),
    "a path": ("github", {**GITHUB, "workflow": ".github/workflows/release.yml"}, {"workflow"}),
    "a file that is none": ("github", {**GITHUB, "workflow": "release"}, {"workflow"}),
    "a file with a ref": ("github", {**GITHUB, "workflow": "release.yml@x.yml"}, {"workflow"}),
    "an id that is none": ("github", {**GITHUB, "repository_owner_id": "acme"}, {"repository_owner_id"}),
    "another kind's": ("github", {**GITHUB, "sub": "x"}, {"sub"}),
    "a list": ("github", {**GITHUB, "repository": ["acme/rocket"]}, {"repository"}),
    "line feeds": ("github", {**GITHUB, "environment": "a\nb"}, {"environment"}),
    "more claims of a known kind": ("github", {**GITHUB, "extra": {"ref": "x"}}, {"extra"}),
    "no groups": ("gitlab", {**GITLAB, "project": "rocket"}, {"project"}),
    "no address": ("google", {"email": "acme"}, {"email"}),
    "no subject": ("other", {"extra": {"stage": "x"}}, {"sub"}),
    "the audience as another claim": ("other", {**OTHER, "extra": {"aud": "x"}}, {"extra"}),
    "a claim without value": ("other", {**OTHER, "extra": {"stage": ""}}, {"extra"}),
    "too many claims": ("other", {**OTHER, "extra": {str(number): "x" for number in range(11)}}, {"extra"}),
    "claims that are a text": ("other", {**OTHER, "extra": "stage=release"}, {"extra"}),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_with_a_publisher_is_told_all_at_once(case: str) -> None:
    kind, given, fields = WRONG[case]
    assert {problem.field for problem in rules.check_claims(kind, given)[1]} == fields


def test_a_token_finds_its_publishers_by_one_value() -> None:
    pairs = [
        ("github", GITHUB, RUN),
        ("gitlab", GITLAB, PIPELINE),
        ("google", GOOGLE, ACCOUNT),
        ("other", OTHER, BUILD),
    ]
    for kind, claims, token in pairs:
        assert rules.lookup(kind, claims) == rules.lookup_of(kind, token)


def test_A56_a_token_without_number_is_remembered_by_what_was_signed() -> None:
    assert rules.used_mark({}, b"a.b") != rules.used_mark({}, b"a.c")
    assert rules.used_mark({"jti": "1"}, b"a.b") == rules.used_mark({"jti": "1"}, b"a.c")
    assert rules.used_mark({"jti": "1"}, b"") != rules.used_mark({"jti": "2"}, b"")


def test_issuers_of_the_setting_have_kinds() -> None:
    found, problems = issuers.parse(
        "https://token.actions.githubusercontent.com, gitlab=https://git.example.org,https://id.example.org/a=b/,"
    )
    assert not problems
    assert found == {
        "https://token.actions.githubusercontent.com": "github",
        "https://git.example.org": "gitlab",
        "https://id.example.org/a=b/": "other",
    }


@pytest.mark.parametrize(
    "text",
    [
        "http://id.example.org",
        "id.example.org",
        "bitbucket=https://id.example.org",
        "https://user@id.example.org",
        "https://id.example.org?x",
        "https://id.example.org/#x",
        "https://",
        "https://id.example.org:0",
        "https://id.example.org:port",
        "https://id.example.org/ x",
    ],
)
def test_A59_only_https_addresses_can_be_issuers(text: str) -> None:
    found, problems = issuers.parse(text)
    assert not found
    assert [problem.field for problem in problems] == ["trusted_issuers"]
