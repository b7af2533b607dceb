"""What says no (or, in CI, yes) from outside: variables, CI, the site's policy file, a dependant. Cheap to import."""

from __future__ import annotations

import os
import sys

import otumat
from otumat.spec.consent import CI_VARIABLES, decide, is_known
from otumat.usage.places import key

POLICY_MAX_BYTES = 64 * 1024


def in_ci() -> bool:
    """Whether this looks like a build machine; a variable that says 0, false or nothing does not count."""
    environ = os.environ
    return any(environ.get(name, "").lower() not in ("", "0", "false") for name in CI_VARIABLES)


def is_disabled(package: str) -> bool:
    """Whether a dependant asked for silence; the list may have been bound anew or changed in place."""
    disabled = otumat.DISABLE_USAGE_TRACKING_PACKAGES
    if not disabled:
        return False
    name = key(package)
    return any(isinstance(each, str) and key(each) == name for each in disabled)


def site_denies(package: str) -> bool:
    """
    Whether a policy file of the site names this package. One that cannot be read, or says what we do not know, denies.
    """
    return any(_denies(path, key(package)) for path in _policy_files())


def effective(package: str, stored: str, *, dependants: bool = True) -> tuple[str, str]:
    """The level that holds for a stored answer, here and now, and who decided."""
    environ = os.environ
    return decide(
        stored,
        variable=environ.get("OTUMAT_USAGE", ""),
        do_not_track=environ.get("DO_NOT_TRACK", ""),
        in_ci=in_ci(),
        site_denies=site_denies(package),
        disabled_by_dependant=dependants and is_disabled(package),
    )


def unknown_word(source: str) -> str:
    """What the variable that decided says, if that is no word that we know, and so a no."""
    said = os.environ.get("OTUMAT_USAGE", "") if source == "OTUMAT_USAGE" else ""
    return "" if is_known(said) else said


def _policy_files() -> list[str]:
    if sys.platform == "win32":
        system = os.path.join(os.environ.get("PROGRAMDATA", "C:\\ProgramData"), "otumat", "usage-policy")
    else:
        system = "/etc/otumat/usage-policy"
    files = [system, os.path.join(sys.prefix, "etc", "otumat", "usage-policy")]
    # It can only deny, so anybody may name another one.
    return [*files, *filter(None, [os.environ.get("OTUMAT_USAGE_POLICY", "")])]


def _denies(path: str, name: str) -> bool:
    try:
        file = os.open(path, os.O_RDONLY)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    try:
        text = os.read(file, POLICY_MAX_BYTES + 1).decode()
    except (OSError, ValueError):
        return True
    finally:
        os.close(file)
    return len(text) > POLICY_MAX_BYTES or any(_line_denies(line, name) for line in text.splitlines())


def _line_denies(line: str, name: str) -> bool:
    word, _, what = line.partition("#")[0].partition(":")
    if not word.strip():
        return False
    return word.strip() != "deny" or what.strip() == "*" or key(what.strip()) == name
