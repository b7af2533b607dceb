"""A task of the Windows Task Scheduler, at log-on and then again and again, described in XML."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from xml.etree import ElementTree

if TYPE_CHECKING:
    from collections.abc import Sequence

_SPACE = "http://schemas.microsoft.com/windows/2004/02/mit/task"


def files(name: str, command: Sequence[str], every_s: float) -> dict[str, bytes]:
    user = "\\".join(filter(None, map(os.environ.get, ("USERDOMAIN", "USERNAME"))))
    task = ElementTree.Element("Task", {"version": "1.2", "xmlns": _SPACE})
    _add(task, "RegistrationInfo", Description="Send consented usage counts.")
    trigger = ElementTree.SubElement(ElementTree.SubElement(task, "Triggers"), "LogonTrigger")
    _add(trigger, "Repetition", Interval=f"PT{max(round(every_s / 60), 1)}M", StopAtDurationEnd="false")
    # At the log-on of anybody else it is an administrator's to ask for.
    _fill(trigger, Enabled="true", UserId=user, Delay="PT5M")
    _add(
        ElementTree.SubElement(task, "Principals"),
        "Principal",
        UserId=user,
        LogonType="InteractiveToken",
        RunLevel="LeastPrivilege",
    )
    _add(
        task,
        "Settings",
        MultipleInstancesPolicy="IgnoreNew",
        DisallowStartIfOnBatteries="true",
        Hidden="true",
        ExecutionTimeLimit="PT10M",
    )
    actions = ElementTree.SubElement(task, "Actions")
    _add(actions, "Exec", Command=_windowless(command[0]), Arguments=" ".join(map(quoted, command[1:])))
    return {_path(name): ElementTree.tostring(task, encoding="utf-16")}


def links(name: str) -> dict[str, str]:
    return {}


def starting(name: str) -> list[list[str]]:
    return [["schtasks", "/Create", "/F", "/TN", name, "/XML", _path(name)]]


def stopping(name: str) -> list[list[str]]:
    return [["schtasks", "/Delete", "/F", "/TN", name]]


def forgetting() -> list[list[str]]:
    return []


def _path(name: str) -> str:
    return os.path.join(os.environ.get("LOCALAPPDATA", ""), "otumat", f"{name}.xml")


def _windowless(python: str) -> str:
    """The interpreter that opens no console, if it lies beside this one."""
    beside = os.path.join(os.path.dirname(python), "pythonw.exe")
    return beside if python.lower().endswith("python.exe") and os.path.exists(beside) else python


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
    _fill(element, **texts)
    return element


def _fill(element: ElementTree.Element, **texts: str) -> None:
    """Elements in this order, as the schema wants it; empty ones are left out."""
    for key, text in texts.items():
        if text:
            ElementTree.SubElement(element, key).text = text
