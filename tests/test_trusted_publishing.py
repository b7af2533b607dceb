"""`uv publish --trusted-publishing always`: from a build job to a file on the index, no password anywhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from harness.artifacts import make_wheel
from harness.attesting import SigningAuthority
from harness.chromium import chromium, looked_at
from harness.clients import Done, Home
from harness.issuer import GITHUB_RUN, Issuer
from harness.server import Index
from harness.tls import Authority, Terminator

pytestmark = pytest.mark.clients


@dataclass(frozen=True)
class Place:
    """An index behind TLS, the issuer it trusts, the authority of both, and whose certificates of runs it believes."""

    index: Index
    url: str
    issuer: Issuer
    authority: Authority
    signing: SigningAuthority

    def uv(self, home: Home, *files: Path) -> Done:
        """Run uv as in a build job of GitHub's."""
        line = ["uv", "publish", "-v", "--publish-url", f"{self.url}/legacy/", "--trusted-publishing", "always"]
        job = {
            "GITHUB_ACTIONS": "true",
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{self.issuer.url}/token?api-version=2",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "the job's own secret",
            "SSL_CERT_FILE": str(self.authority.path),
        }
        return home.run(*line, *files, cwd=home.folder, stdin="", **job)

    def actions(self) -> list[tuple[str, str, str]]:
        """The journal: action, actor, credential."""
        found = self.index.catalogue.rows("SELECT action, actor, credential FROM journal_entry ORDER BY serial")
        return [(str(action), str(actor), str(credential)) for action, actor, credential in found]

    def tokens(self) -> int:
        """How many minted tokens there are."""
        return int(self.index.catalogue.rows("SELECT count(*) FROM accounts_token WHERE user_id IS NULL")[0][0])


@pytest.fixture(scope="module")
def place(start_index: Callable[..., Index], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    authority = Authority(tmp_path_factory.mktemp("authority"))
    signing, roots = SigningAuthority(), tmp_path_factory.mktemp("signing") / "roots.pem"
    roots.write_bytes(signing.pem)
    issuer, front = Issuer(authority, "RS256"), Terminator(authority)
    try:
        index = start_index(
            PUBLIC_URL=front.url,
            TRUSTED_ISSUERS=f"github={issuer.url}",
            TRUSTED_ISSUERS_CA=str(authority.path),
            ATTESTATION_ROOTS=str(roots),
        )
        front.target_port = index.port
        yield Place(index, front.url, issuer, authority, signing)
        index.stop_cleanly()
        log = index.log.read_text("utf-8")
        assert "Traceback" not in log, index.told()
        assert "eyJ" not in log, "an identity token is in the log"  # A89
    finally:
        front.stop()
        issuer.stop()


def described(place: Place, repository: str) -> dict[str, Any]:
    return {"issuer": place.issuer.url, "claims": {"repository": repository, "workflow": "release.yml"}}


def run_of(repository: str) -> dict[str, Any]:
    """What a token says of a run of release.yml in a repository."""
    owner, refs = repository.partition("/")[0], ("workflow_ref", "job_workflow_ref")
    said = {name: value for name, value in GITHUB_RUN.items() if name != "aud"}
    files = dict.fromkeys(refs, f"{repository}/.github/workflows/release.yml@refs/tags/v1")
    return {**said, "repository": repository, "repository_owner": owner, **files}


def test_uv_makes_a_project_and_its_next_release(place: Place, home: Home, tmp_path: Path) -> None:
    answer = place.index.api("POST", "/publishers", "alice", project="comet", **described(place, "acme/comet"))
    assert answer.status == 200, answer
    place.issuer.claims = run_of("acme/comet")
    first, second = make_wheel("comet"), make_wheel("comet", "1.1")
    said = place.uv(home, first.write(tmp_path)).ok()
    assert place.index.files_of("comet").keys() == {first.filename}
    publisher = next(entry[2] for entry in place.actions() if entry[0] == "publisher.mint")
    ours = [entry for entry in place.actions() if entry[0].startswith(("publisher.", "file."))]
    assert ours == [
        ("publisher.add", "alice", "password"),
        ("publisher.mint", publisher, publisher),
        ("file.publish", "alice", publisher),
        ("publisher.burn", publisher, publisher),
    ]
    assert place.tokens() == 0  # uv gave it back
    for step in ("/_/oidc/audience", "/_/oidc/mint-token", "/_/oidc/burn-token"):
        assert f"{place.url}{step}" in said
    roles = place.index.api("GET", "/project/comet/publishers", "alice").json()["publishers"]
    assert [(row["project"], row["expires_at"]) for row in roles] == [("comet", None)]
    place.uv(home, second.write(tmp_path)).ok()
    assert place.index.files_of("comet").keys() == {first.filename, second.filename}


@pytest.mark.browser
def test_what_a_build_attests_is_told_on_the_page(place: Place, home: Home, tmp_path: Path) -> None:
    place.index.api("POST", "/publishers", "alice", project="aurora", **described(place, "acme/aurora"))
    place.issuer.claims = run_of("acme/aurora")
    wheel = make_wheel("aurora")
    attestation = place.signing.attest((wheel.filename, wheel.data), repository="acme/aurora", issuer=place.issuer.url)
    path = wheel.write(tmp_path)
    beside = tmp_path / f"{wheel.filename}.publish.attestation"
    beside.write_text(json.dumps(attestation))
    place.uv(home, path, beside).ok()
    with chromium() as browser:
        page = browser.new_page(base_url=place.url, ignore_https_errors=True)
        page.goto("/project/aurora/")
        page.get_by_role("link", name="Attestations").focus()
        page.keyboard.press("Enter")
        expect(page).to_have_url(f"{place.url}/project/aurora/#attestations")
        section = page.get_by_role("region", name="Attestations")
        expect(section).to_contain_text("GitHub acme/aurora, release.yml")
        expect(section).to_contain_text("not verified: no trust root configured")
        looked_at(page, "project-attested")


def test_uv_says_why_it_was_refused(place: Place, home: Home, tmp_path: Path) -> None:
    place.issuer.claims = run_of("evil/comet")
    wheel = make_wheel("asteroid")
    said = place.uv(home, wheel.write(tmp_path)).failed()
    assert "No trusted publisher fits this token" in said
    assert "evil/comet" in said
    assert place.index.files_of("asteroid") == {}


def test_A57_uv_cannot_publish_from_a_pull_request(place: Place, home: Home, tmp_path: Path) -> None:
    place.index.api("POST", "/publishers", "alice", project="meteor", **described(place, "acme/meteor"))
    place.issuer.claims = {**run_of("acme/meteor"), "event_name": "pull_request"}
    said = place.uv(home, make_wheel("meteor").write(tmp_path)).failed()
    assert "A run started by 'pull_request' cannot publish" in said
    assert place.index.files_of("meteor") == {}


def test_uv_reaches_its_project_only(place: Place, home: Home, tmp_path: Path) -> None:
    place.index.api("POST", "/publishers", "alice", project="nebula", **described(place, "acme/nebula"))
    place.issuer.claims = run_of("acme/nebula")
    said = place.uv(home, make_wheel("galaxy").write(tmp_path)).failed()
    assert "may not publish 'galaxy'" in said
    assert place.index.files_of("galaxy") == {}
    assert place.tokens() == 0  # burnt all the same


def test_PEP_807_discovery_names_the_public_address(place: Place) -> None:
    answer = place.index.get("/.well-known/pytp?discover=%2Flegacy%2F")
    assert json.loads(answer.body)["token-mint-endpoint"] == f"{place.url}/_/oidc/mint-token"
