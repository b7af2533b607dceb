"""What a package declares: finding its manifest, and turning it into what is stored as accepted."""

from __future__ import annotations

import json
import sys
import tomllib
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from otumat.errors import Invalid, Problem
from otumat.spec import manifest as spec
from otumat.usage import places

if TYPE_CHECKING:
    from otumat.spec.manifest import DeclaredEvent, Manifest
    from otumat.usage.answers import Answer


@dataclass(frozen=True)
class Found:
    """
    A package's manifest; None when it has none.

    Attributes:
        stamp: Size and time of its file (`places.stamp`).
        broken: Whether there is a file that is no manifest: then nothing may be recorded, least of all any bare name.
    """

    manifest: Manifest | None
    stamp: str
    broken: bool = False


def find(package: str, path: object = None) -> Found:
    """The manifest of a package that is imported, or installed."""
    stamp = places.stamp(path, package)
    for file in places.manifest_files(path, package) or _installed_files(package):
        data = _read(file, package)
        if data is not None:
            try:
                return Found(parse(data, as_json=file.endswith(".json")), stamp)
            except Invalid:
                return Found(None, stamp, broken=True)
    return Found(None, stamp)


def parse(data: bytes, *, as_json: bool = False) -> Manifest:
    """
    Read a manifest's file.

    Errors:
        Invalid: with every problem.
    """
    try:
        if len(data) > spec.MANIFEST_MAX_BYTES:
            raise ValueError(f"more than {spec.MANIFEST_MAX_BYTES} bytes")
        table = json.loads(data) if as_json else tomllib.loads(data.decode())
    except (ValueError, RecursionError) as exc:
        raise Invalid([Problem("manifest.file", "content", f"The manifest cannot be read: {exc}.")]) from exc
    if not isinstance(table, dict):
        raise Invalid([Problem("manifest.file", "content", "The manifest is no table.")])
    return spec.from_table(table)


def accepted_events(manifest: Manifest) -> dict[str, tuple[str, dict[str, tuple[str, ...]]]]:
    """A manifest's events as an answer stores them; an event ends when its manifest does."""
    return {event.name: (_until(event, manifest), dict(event.properties)) for event in manifest.events}


def news(manifest: Manifest, answer: Answer) -> tuple[DeclaredEvent, ...]:
    """What a manifest asks for beyond what was accepted."""
    accepted = {
        name: spec.DeclaredEvent(name, "", tuple(properties.items()), date.fromisoformat(until) if until else None)
        for name, (until, properties) in answer.events.items()
    }
    asked = tuple(
        spec.DeclaredEvent(event.name, event.purpose, event.properties, _end(event, manifest))
        for event in manifest.events
    )
    return spec.what_is_new(spec.Manifest(manifest.project, manifest.purpose, asked), accepted)


def _end(event: DeclaredEvent, manifest: Manifest) -> date | None:
    return min(filter(None, (event.expires, manifest.expires)), default=None)


def _until(event: DeclaredEvent, manifest: Manifest) -> str:
    end = _end(event, manifest)
    return end.isoformat() if end else ""


def _read(file: str, package: str) -> bytes | None:
    """A file in a folder, or in the zip that the package was imported from."""
    try:
        with open(file, "rb") as opened:
            return opened.read(spec.MANIFEST_MAX_BYTES + 1)
    except OSError:
        loader = getattr(sys.modules.get(package), "__loader__", None)
    try:
        return bytes(loader.get_data(file)) if loader is not None and hasattr(loader, "get_data") else None
    except OSError:
        return None


def _installed_files(package: str) -> list[str]:
    """Where the manifest of a package lies that this process has not imported; importing it would run it."""
    from importlib.metadata import PackageNotFoundError, files

    try:
        listed = files(package) or []
    except (PackageNotFoundError, ValueError):
        return _beside_module(package)
    wanted = (spec.FILENAME, spec.FILENAME_JSON)
    return [str(each.locate()) for each in listed if each.name in wanted] or _beside_module(package)


def _beside_module(package: str) -> list[str]:
    from importlib.util import find_spec
    from pathlib import Path

    name = package.partition(".")[0]
    found = find_spec(name) if name.isidentifier() else None
    if found is None or not found.origin or not found.submodule_search_locations:
        return []
    return [str(Path(found.origin).parent / each) for each in (spec.FILENAME, spec.FILENAME_JSON)]
