"""Projects side by side: the same rows for each, and where they differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Min
from django.template.defaultfilters import filesizeformat

from otumat.spec.classifiers import display_key
from otumat_index.discover.pages import facts, requirements
from otumat_index.discover.pages.dependents import dependents_of
from otumat_index.discover.pages.project import safe_href, url_of
from otumat_index.publish.models import File, Project, Release, Role

PROJECTS_MOST = 3
LISTED_MOST = 40
FILES_MOST = 2_000
DAY_S = 86_400
PLATFORMS = (
    ("any", "any platform"),
    ("manylinux", "Linux"),
    ("linux", "Linux"),
    ("musllinux", "Linux (musl)"),
    ("macosx", "macOS"),
    ("win", "Windows"),
    ("ios", "iOS"),
    ("android", "Android"),
    ("pyodide", "Pyodide"),
)
"""Beginnings of a wheel's platform tag, in words."""


ALWAYS_DIFFERENT = frozenset({"Summary", "Links", "Latest release", "First release"})


@dataclass(frozen=True, slots=True)
class Piece:
    """One thing in a cell: text, perhaps a link; or a moment."""

    text: str = ""
    href: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One fact of every project. A cell without pieces says that nothing is known."""

    label: str
    cells: tuple[tuple[Piece, ...], ...]

    @property
    def differs(self) -> bool:
        """Whether they do not all say the same, where that is worth a mark."""
        return self.label not in ALWAYS_DIFFERENT and len(set(self.cells)) > 1


@dataclass(frozen=True, slots=True)
class History:
    """How often something was released."""

    releases: int
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Comparison:
    """
    Two or three projects.

    Attributes:
        common: Classifiers that all carry.
        own: What each carries that not all do, in the order of projects.
    """

    projects: tuple[Project, ...]
    rows: tuple[Row, ...]
    common: tuple[facts.Label, ...]
    own: tuple[tuple[facts.Label, ...], ...]


def compare(projects: Sequence[Project]) -> Comparison:
    """Everything at once, of projects that have a release; three queries, whatever they are."""
    releases = [project.latest for project in projects if project.latest is not None]
    histories, files, people = histories_of(projects), files_of(releases), publishers_of(projects)
    columns = [
        column(project, release, histories[project.pk], files.get(release.pk, []), people.get(project.pk, 0))
        for project, release in zip(projects, releases, strict=True)
    ]
    carried = [set(release.classifiers) for release in releases]
    shared = set.intersection(*carried) if carried else set()
    rows = [Row(label, tuple(each[label] for each in columns)) for label in (columns[0] if columns else ())]
    return Comparison(
        projects=tuple(projects),
        rows=tuple(row for row in rows if any(row.cells)),
        common=labels(shared),
        own=tuple(labels(each - shared) for each in carried),
    )


def labels(classifiers: Iterable[str]) -> tuple[facts.Label, ...]:
    """Classifiers in full, in the order of every list, without the Python versions that a row of their own tells."""
    told = (each for each in classifiers if not each.startswith(facts.PYTHON))
    return tuple(facts.Label(each, each) for each in sorted(told, key=display_key))


def column(
    project: Project, release: Release, history: History, files: Sequence[tuple[str, str, int]], people: int
) -> Mapping[str, tuple[Piece, ...]]:
    """What one project says, by the label of each row."""
    needs = requirements.needed(requirements.read(release.requires_dist))
    return {
        "Summary": texts(release.summary),
        "Latest release": (Piece(release.version), Piece(at=release.created_at)),
        "State": texts(state_of(project, release)),
        "First release": (Piece(at=history.first),),
        "Releases": texts(f"{history.releases:,}", cadence(history)),
        "Licence": texts(facts.license_of(release.license_expression, release.license, release.classifiers)),
        "Requires Python": texts(release.requires_python),
        "Python versions named": texts(facts.python_versions(release.classifiers)),
        "Maturity": texts(facts.status_of(release.classifiers)),
        "Dependencies": texts(str(len(needs))) + links(needs),
        "Required by": texts(required_by(project)),
        "Newest wheel": texts(size_of(files, File.Kind.WHEEL)),
        "Newest sdist": texts(size_of(files, File.Kind.SDIST)),
        "Wheels for": texts(*platforms_of(name for name, kind, _ in files if kind == File.Kind.WHEEL)),
        "Publishers": texts(str(people)),
        "Links": urls(release),
    }


def required_by(project: Project) -> str:
    """How many projects here need it; empty while nobody knows."""
    found = dependents_of(project, shown=0)
    return f"{found.total:,} here" if found is not None else ""


def texts(*words: str) -> tuple[Piece, ...]:
    """Pieces of plain text, empty ones left out."""
    return tuple(Piece(each) for each in words if each)


def links(normalized: Sequence[str]) -> tuple[Piece, ...]:
    """Names of projects with their pages, the first of them."""
    shown = tuple(Piece(name, url_of(Project(normalized=name))) for name in normalized[:LISTED_MOST])
    return shown + texts("…" if len(normalized) > LISTED_MOST else "")


def urls(release: Release) -> tuple[Piece, ...]:
    """Home page and project URLs; only what a browser may follow is a link (D18)."""
    named = [("Home page", release.home_page), *release.project_urls]
    return tuple(Piece(label or url, safe_href(url)) for label, url in named[:LISTED_MOST] if url)


def state_of(project: Project, release: Release) -> str:
    """Status, and what is odd about the release."""
    odd = [("yanked", release.is_yanked), ("pre-release", release.is_prerelease)]
    return ", ".join([project.status, *(word for word, is_so in odd if is_so)])


def cadence(history: History) -> str:
    """How often a release comes, in words: the mean time between the first and the last."""
    if history.releases < 2:
        return ""
    days = (history.last - history.first).total_seconds() / DAY_S / (history.releases - 1)
    for unit, length, least in (("year", 365.25, 700), ("month", 30.44, 60), ("week", 7, 14), ("day", 1, 1)):
        if days >= least:
            number = max(1, round(days / length))
            return f"one every {unit}" if number == 1 else f"one every {number} {unit}s"
    return "several a day"


def platforms_of(wheels: Iterable[str]) -> list[str]:
    """Where wheels install, in words: the platform tags of their names (PEP 425)."""
    tags = {tag for name in wheels for tag in name.removesuffix(".whl").rsplit("-", 1)[-1].split(".")}
    words = {next((word for start, word in PLATFORMS if tag.startswith(start)), tag[:20]) for tag in tags}
    return sorted(words)[:LISTED_MOST]


def size_of(files: Iterable[tuple[str, str, int]], kind: str) -> str:
    """The size of the newest file of a kind; empty when there is none."""
    return next((filesizeformat(size).replace("\xa0", " ") for _, each, size in files if each == kind), "")


def histories_of(projects: Sequence[Project]) -> dict[int, History]:
    """First, last and number of releases of each; one query."""
    rows = Release.objects.filter(project__in=projects).values_list("project").order_by()
    found = rows.annotate(Count("pk"), Min("created_at"), Max("created_at"))
    return {project: History(*row) for project, *row in found}


def files_of(releases: Sequence[Release]) -> dict[int, list[tuple[str, str, int]]]:
    """Name, kind and size of the files of each release, newest first; one query."""
    rows = File.objects.filter(release__in=releases, is_yanked=False).order_by("-uploaded_at", "-pk")
    found: dict[int, list[tuple[str, str, int]]] = {}
    for release, name, kind, size in rows.values_list("release", "filename", "kind", "size_bytes")[:FILES_MOST]:
        found.setdefault(release, []).append((name, kind, size))
    return found


def publishers_of(projects: Sequence[Project]) -> dict[int, int]:
    """How many hold a role that publishes, people and groups; one query."""
    rows = Role.objects.filter(project__in=projects).exclude(kind=Role.Kind.READER)
    return dict(rows.values_list("project").annotate(Count("pk")).order_by())
