"""Three ways out, each read back without loss by its counterpart in `reading.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otumat.spec.metadata.fields import FIELDS, FOLD

if TYPE_CHECKING:
    from otumat.spec.metadata.fields import Field, Metadata


def to_form(metadata: Metadata) -> list[tuple[str, str]]:
    """(field, value) pairs as upload clients send them: repeated where multiple, keywords joined by commas."""
    pairs = [(field.form, text) for field in FIELDS for text in _texts(metadata, field)]
    return pairs + ([("description", metadata.description)] if metadata.description else [])


def to_json(metadata: Metadata) -> dict[str, Any]:
    """
    JSON-ready values by the keys of packaging's RawMetadata; absent fields are left out.

    `project_urls` is an object, or a list of pairs when a label comes twice.
    """
    result: dict[str, Any] = {}
    for field in FIELDS:
        value = getattr(metadata, field.attribute)
        if value:
            result[field.attribute] = _json_value(field, value)
    return result


def _json_value(field: Field, value: Any) -> Any:
    if field.kind == "single":
        return value
    if field.kind != "urls":
        return list(value)
    labels = dict(value)
    return labels if len(labels) == len(value) else [list(pair) for pair in value]


def to_headers(metadata: Metadata) -> bytes:
    """
    METADATA (or PKG-INFO) bytes in UTF-8: headers in the order of the specification, the description as body.

    Values of several lines are folded, so no value can begin a header of its own.
    """
    lines = [f"{field.header}: {_folded(text)}\n" for field in FIELDS for text in _texts(metadata, field)]
    body = f"\n{metadata.description}" if metadata.description else ""
    return ("".join(lines) + body).encode("utf-8", "replace")


def _texts(metadata: Metadata, field: Field) -> list[str]:
    """The values of a field as header texts; the description is apart, and none when absent."""
    value = getattr(metadata, field.attribute)
    if not value or field.attribute == "description":
        return []
    if field.kind == "single":
        return [value]
    if field.kind == "keywords":
        return [",".join(value)]
    return [f"{label}, {url}" for label, url in value] if field.kind == "urls" else list(value)


def _folded(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\n" + FOLD)
