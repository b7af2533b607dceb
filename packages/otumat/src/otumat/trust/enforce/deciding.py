"""One entry point: may it run? From the bytes that lie there and the policies in force; nothing of it is imported."""

from __future__ import annotations

import os

from otumat.errors import OtumatError
from otumat.spec.statement import Malformed, strict_json
from otumat.spec.vouching.checking import check_envelope
from otumat.spec.vouching.verdict import ERROR, SHADOWED, TRUSTED, UNVERIFIABLE, Finding, Verdict
from otumat.trust.enforce.entries import Declared
from otumat.trust.enforce.guarded import Guarded
from otumat.trust.enforce.rules import OFF, WARN
from otumat.trust.installed import distribution
from otumat.trust.installed.places import Places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from otumat.spec.statement import SignedFile, Statement
    from otumat.trust.enforce.code_cache import CodeCache
    from otumat.trust.enforce.policies import InForce
    from otumat.trust.installed.finding import Installed
    from otumat.trust.policy import Policy


class Decision:
    """
    What was decided of one entry point.

    Attributes:
        group, name, value: As its distribution declares them.
        verdict: On the distribution, and on this entry point of it.
        loads: Whether it may be loaded.
        guarded: What it is loaded from, checked; None when it is loaded unchecked (`off`, `warn`, an editable install).
        beside: What it requires, likewise.
        module, attr: The two halves of the value.
    """

    __slots__ = ("attr", "beside", "group", "guarded", "loads", "module", "name", "value", "verdict")

    def __init__(
        self,
        declared: Declared,
        verdict: Verdict,
        *,
        loads: bool,
        guarded: Guarded | None = None,
        beside: Iterable[Guarded] = (),
    ) -> None:
        self.group, self.name, self.value = declared.group, declared.name, declared.value
        self.verdict, self.loads, self.guarded, self.beside = verdict, loads, guarded, tuple(beside)
        self.module, self.attr = _halves(declared.value)

    @property
    def why(self) -> str:
        """In one sentence: what is wrong; empty when nothing is."""
        first = next((each for each in self.verdict.findings if each.state == self.verdict.state), None)
        return f"{first.message}{f' {first.hint}' if first.hint else ''}" if first and not self.verdict else ""

    def to_dict(self) -> dict[str, object]:
        return {
            "group": self.group,
            "name": self.name,
            "value": self.value,
            "loads": self.loads,
            "checked": self.guarded is not None,
            "why": self.why,
            "verdict": self.verdict.to_dict(),
        }

    def __repr__(self) -> str:
        word = "loads" if self.loads else "is refused"
        return f"<Decision {self.name} = {self.value} of {self.verdict.name}: {self.verdict.state}, {word}>"


class Deciding:
    """Decides on the entry points of one group; each distribution is examined once."""

    def __init__(self, force: InForce, *, at: str, folders: list[str], cache: CodeCache) -> None:
        self.force, self.at, self.folders, self.cache = force, at, folders, cache
        self._examined: dict[str, tuple[Verdict, Guarded | None]] = {}

    def decide(self, declared: Declared) -> Decision:
        """One entry point; never raises."""
        if self.force.mode == OFF:
            return Decision(declared, _unchecked(declared), loads=bool(declared.value))
        verdict, guarded = self._examine(declared)
        verdict = _worse(verdict, _of_entry(declared, guarded) + of_strangers(guarded))
        beside: list[Guarded] = []
        if verdict and guarded is not None and self.force.dependencies and declared.installed is not None:
            told, beside = self._required(declared.installed, guarded)
            verdict = _worse(verdict, told)
        if verdict and guarded is not None:
            return Decision(declared, verdict, loads=True, guarded=guarded, beside=beside)
        own = self.force.own_checkouts and _is_own_checkout(declared.installed, verdict)
        loads = bool(declared.value) and (self.force.mode == WARN or own)
        return Decision(declared, verdict, loads=loads)

    def _required(self, installed: Installed, guarded: Guarded) -> tuple[list[Finding], list[Guarded]]:
        from otumat.trust.enforce import dependencies  # most policies ask for none

        def examine(one: Installed, others: list[Installed]) -> tuple[Verdict, Guarded | None]:
            return self._examine(Declared("", "", "", installed=one, others=others))

        return dependencies.required(installed, guarded, self.force.dependencies, folders=self.folders, examine=examine)

    def _examine(self, declared: Declared) -> tuple[Verdict, Guarded | None]:
        if declared.location not in self._examined:
            self._examined[declared.location] = self._of_distribution(declared)
        return self._examined[declared.location]

    def _of_distribution(self, declared: Declared) -> tuple[Verdict, Guarded | None]:
        installed = declared.installed
        if installed is None:
            return Verdict(declared.distribution, "", findings=[], location=declared.location), None
        verdict, files, root, metadata = self._verdict(installed, declared)
        if self.force.finding is not None:
            verdict = _worse(verdict, [self.force.finding])
        if not verdict or not files:
            return verdict, None
        guarded = Guarded(
            installed.name,
            installed.version,
            site=installed.site,
            root=root,
            files=files,
            cache=self.cache,
            metadata=metadata,
        )
        return verdict, guarded

    def _verdict(self, installed: Installed, declared: Declared) -> tuple[Verdict, dict[str, SignedFile], str, str]:
        first, *more = self.force.policies
        verdict, statement = distribution.examine(
            installed, first, at=self.at, folders=self.folders, others=declared.others, bytecode=False
        )
        if verdict.scheme == "legacy":
            return *self._by_legacy(installed, verdict), ""
        if statement is None:
            return verdict, {}, "", ""
        for policy in more:
            verdict = _worse(verdict, self._also_by(installed, policy))
        metadata = f"{statement.dist_info}/METADATA"
        signed = next((file.sha256 for file in statement.files if file.path == metadata), "")
        return verdict, _by_site(statement, installed), statement.root, signed

    def _also_by(self, installed: Installed, policy: Policy) -> tuple[Finding, ...]:
        trust = policy.of(installed.name)
        try:
            return check_envelope(
                installed.envelope(), project=installed.name, version=installed.version, trust=trust, at=self.at
            ).findings
        except (OSError, OtumatError, Malformed) as exc:
            return (Finding(ERROR, "distribution.unreadable", f"It cannot be read: {exc}."),)

    def _by_legacy(self, installed: Installed, verdict: Verdict) -> tuple[Verdict, dict[str, SignedFile], str]:
        from otumat.trust.enforce import by_legacy

        files: dict[str, SignedFile] = {}
        for policy in self.force.policies:
            try:
                again, files = by_legacy.examine(installed, policy, self.at)
            except (OSError, OtumatError) as exc:
                return _worse(verdict, [Finding(ERROR, "tree.refused", f"It cannot be read: {exc}.")]), {}, ""
            verdict = _worse(verdict, [each for each in again.findings if each.state != TRUSTED])
        return verdict, files, by_legacy.root_of(files)


def _by_site(statement: Statement, installed: Installed) -> dict[str, SignedFile]:
    places = Places.around(installed.site)
    found = ((places.site_path(file.path, statement.dist_info), file) for file in statement.files)
    return {path: file for path, file in found if path and not path.startswith(f"{statement.dist_info}/")}


def _of_entry(declared: Declared, guarded: Guarded | None) -> list[Finding]:
    """What speaks against this entry point, whatever its distribution is."""
    if declared.finding is not None:
        return [declared.finding]
    module = _halves(declared.value)[0]
    if not module:
        return [Finding(ERROR, "entry.malformed", f"{declared.value!r} is not of the form module:object.")]
    if guarded is not None and module not in guarded.modules:
        told = f"It points at {module}, which is no module of what was signed."
        return [Finding(UNVERIFIABLE, "entry.elsewhere", told)]
    return []


def _halves(value: str) -> tuple[str, str]:
    """
    Module and object of an entry point, the second empty where the module is meant; two empty ones for another form.

    >>> _halves("acme.core : Plugin.make [fast]"), _halves("acme"), _halves("acme core"), _halves("acme:")
    (('acme.core', 'Plugin.make'), ('acme', ''), ('', ''), ('', ''))
    """
    head, bracket, extras = value.rstrip().partition("[")
    module, colon, attr = (part.strip() for part in head.partition(":"))
    steps = [*module.split("."), *(attr.split(".") if colon else ())]
    is_sound = all(step.isidentifier() for step in steps) and (not bracket or extras.endswith("]"))
    return (module, attr) if is_sound else ("", "")


def of_strangers(guarded: Guarded | None) -> list[Finding]:
    """What speaks against it because other code has its names."""
    taken = guarded.strangers() if guarded is not None else []
    if not taken:
        return []
    names = ", ".join(sorted(taken)[:3])
    told = f"{names} was imported before anything was checked, by other code of this program."
    return [Finding(SHADOWED, "module.loaded", told, path=sorted(taken)[0], hint="Load plugins before importing them.")]


def _unchecked(declared: Declared) -> Verdict:
    told = Finding(UNVERIFIABLE, "trust.off", "Nothing was checked: the mode is 'off'.")
    version = declared.installed.version if declared.installed else ""
    return Verdict(declared.distribution, version, findings=[told], location=declared.location)


def _is_own_checkout(installed: Installed | None, verdict: Verdict) -> bool:
    """
    Whether all that speaks against it is that it is editable, and all of it belongs to who runs this: the checkout, and
    what points there, for whoever could write that could have it point anywhere.
    """
    against = {each.code for each in verdict.findings if each.state != TRUSTED}
    if installed is None or against != {"distribution.editable"} or not hasattr(os, "geteuid"):
        return False
    try:
        checkout = _path_of(strict_json.read(installed.read("direct_url.json"))["url"])
        return all(_is_own(os.stat(path)) for path in (checkout, installed.site, installed.path))
    except (OSError, ValueError, KeyError, TypeError, OtumatError):
        return False


def _is_own(seen: os.stat_result) -> bool:
    return seen.st_uid == os.geteuid() and not seen.st_mode & 0o022


def _path_of(url: str) -> str:
    from urllib.parse import unquote, urlsplit

    parts = urlsplit(url)
    if parts.scheme != "file":
        raise ValueError(url)
    return unquote(parts.path)


def _worse(verdict: Verdict, more: list[Finding] | tuple[Finding, ...]) -> Verdict:
    if not more:
        return verdict
    return Verdict(
        verdict.name, verdict.version, findings=[*verdict.findings, *more], scheme=verdict.scheme, keys=verdict.keys,
        location=verdict.location, sequence=verdict.sequence, protected_by=verdict.protected_by,
    )  # fmt: skip
