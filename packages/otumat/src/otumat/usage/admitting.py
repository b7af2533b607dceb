"""Which uses may be written down: the declared and accepted ones. Loaded by the first use of whoever said yes."""

from __future__ import annotations

from time import gmtime, strftime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from otumat.usage.answers import Answer

_NAME_MAX_CHARS = 100
_ALNUM = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
_NAME = _ALNUM | frozenset("_.: -")


def accepted_properties(answer: Answer, name: object, properties: dict[str, str]) -> dict[str, str] | None:
    """The properties of a use that were consented to, or None when the event was not."""
    if isinstance(name, str) and name in answer.events:
        until, vocabulary = answer.events[name]
        if until and until < strftime("%Y-%m-%d", gmtime()):
            return None
        return {key: value for key, values in vocabulary.items() if (value := _word(properties.get(key), values))}
    return {} if answer.bare and is_bare_name(name) else None


def is_bare_name(name: object) -> bool:
    """
    Whether it is short and of a few characters: no text, no path, no address (see spec.manifest.EVENT_NAME).

    >>> is_bare_name("import"), is_bare_name("/home/alice"), is_bare_name(b"import")
    (True, False, False)
    """
    if not isinstance(name, str) or not 1 <= len(name) <= _NAME_MAX_CHARS:
        return False
    return name[0] in _ALNUM and name[-1] != " " and _NAME.issuperset(name)


def _word(value: object, values: tuple[str, ...]) -> str:
    """A value of the vocabulary, `other` where there is one, or nothing."""
    if value is None:
        return ""
    text = str(value) if isinstance(value, str | int) else ""
    return text if text in values else "other" if "other" in values else ""
