"""A task of the Windows Task Scheduler, at log-on and then again and again, described in XML."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from xml.etree import ElementTree

if TYPE_CHECKING:
    from collections.abc import Sequence

_SPACE = "http://schemas.microsoft.com/windows/2004/02/mit/task"


def files(name: str, command: Sequence[str], every_s: float) -> dict[str, bytes]:
    (path,) = paths(name)
    task = ElementTree.Element("Task", {"version": "1.2", "xmlns": _SPACE})
    _add(task, "RegistrationInfo", Description="Send consented usage counts.")
    trigger = _add(ElementTree.SubElement(task, "Triggers"), "LogonTrigger", Enabled="true", Delay="PT5M")
    repetition = _add(trigger, "Repetition", Interval=f"PT{max(round(every_s / 60), 1)}M", StopAtDurationEnd="false")
    trigger.remove(repetition)
    trigger.insert(0, repetition)  # the schema wants it before Enabled
    _add(
        task,
        "Settings",
        MultipleInstancesPolicy="IgnoreNew",
        DisallowStartIfOnBatteries="true",
        Hidden="true",
        ExecutionTimeLimit="PT10M",
    )
    actions = ElementTree.SubElement(task, "Actions")
    _add(actions, "Exec", Command=command[0], Arguments=" ".join(map(quoted, command[1:])))
    return {path: ElementTree.tostring(task, encoding="utf-16")}


def paths(name: str) -> list[str]:
    return [os.path.join(os.environ.get("LOCALAPPDATA", ""), "otumat", f"{name}.xml")]


def starting(name: str) -> list[list[str]]:
    return [["schtasks", "/Create", "/F", "/TN", name, "/XML", *paths(name)]]


def stopping(name: str) -> list[list[str]]:
    return [["schtasks", "/Delete", "/F", "/TN", name]]


def quoted(word: str) -> str:
    """
    A word as the C runtime of Windows takes it apart again.

    >>> print(quoted('a b'), quoted('say "x"'), quoted('C:\\\\my dir\\\\'))
    "a b" "say \\"x\\"" "C:\\my dir\\\\"
    """
    pieces, backslashes = [], 0
    for character in word:
        if character == "\\":
            backslashes += 1
            continue
        pieces.append("\\" * (backslashes * 2 + 1 if character == '"' else backslashes) + character)
        backslashes = 0
    return '"' + "".join(pieces) + "\\" * (backslashes * 2) + '"'


def _add(parent: ElementTree.Element, name: str, **texts: str) -> ElementTree.Element:
    element = ElementTree.SubElement(parent, name)
    for key, text in texts.items():
        ElementTree.SubElement(element, key).text = text
    return element
