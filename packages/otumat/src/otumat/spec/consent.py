"""
Consent: whether something may be recorded, may be sent, may be asked.

Pure, and cheap to import, for a host program waits for it. Levels, weakest first: *unset* (nobody answered), *off*,
*local* (counted on this machine only), *on* (also sent). Any deny wins over any yes. What is declared and consented to
is in `otumat.spec.manifest`.

Source: docs/protocol/usage.md, "Consent".
"""

from __future__ import annotations

UNSET, OFF, LOCAL, ON = "unset", "off", "local", "on"
LEVELS = (OFF, LOCAL, ON)
WORDING_VERSION = 1
"""Which text people were shown when they said yes; it grows when the text asks for more."""

PROMPT, NOTICE, MANUAL = "prompt", "notice", "manual"

_SPOKEN = {"on": ON, "1": ON, "true": ON, "yes": ON, "local": LOCAL}
_NOES = ("off", "0", "false", "no")
CI_VARIABLES = (
    *("CI", "CONTINUOUS_INTEGRATION", "BUILD_ID", "BUILD_BUILDID", "GITHUB_ACTIONS", "GITLAB_CI", "TF_BUILD"),
    *("JENKINS_URL", "TEAMCITY_VERSION", "BUILDKITE", "CIRCLECI", "TRAVIS", "APPVEYOR", "DRONE", "PIP_IS_CI"),
)


def spoken(variable: str) -> str:
    """
    What `OTUMAT_USAGE` says: a level, or "" when it is not set. A word that we do not know is a no.

    >>> spoken("on"), spoken("Local"), spoken(""), spoken("never"), spoken("maybe")
    ('on', 'local', '', 'off', 'off')
    """
    word = variable.strip().lower()
    return _SPOKEN.get(word, OFF) if word else ""


def is_known(variable: str) -> bool:
    """
    Whether what `OTUMAT_USAGE` says is a word that we know.

    >>> is_known("on"), is_known("OFF"), is_known(""), is_known("maybe")
    (True, True, True, False)
    """
    word = variable.strip().lower()
    return not word or word in _SPOKEN or word in _NOES


def is_denied(do_not_track: str) -> bool:
    """
    Whether `DO_NOT_TRACK` says no: anything but nothing and 0 does.

    >>> is_denied("1"), is_denied("yes"), is_denied(""), is_denied("0")
    (True, True, False, False)
    """
    return do_not_track.strip() not in ("", "0")


def decide(
    stored: str,
    *,
    variable: str = "",
    do_not_track: str = "",
    in_ci: bool = False,
    site_denies: bool = False,
    disabled_by_dependant: bool = False,
) -> tuple[str, str]:
    """
    The level that holds, and who decided.

    Args:
        stored: The user's own answer; `unset` when there is none.
        variable: Value of OTUMAT_USAGE. Outside CI it can only take away; in CI, where nobody can be asked, it is the
            answer.
        site_denies: The site's policy file names this package, or cannot be read.
        disabled_by_dependant: The package stands in `otumat.DISABLE_USAGE_TRACKING_PACKAGES`.

    >>> decide("on", do_not_track="1")
    ('off', 'DO_NOT_TRACK')
    >>> decide("on", in_ci=True), decide("unset", in_ci=True, variable="on")
    (('off', 'CI'), ('on', 'OTUMAT_USAGE'))
    """
    said = spoken(variable)
    denials = (
        ("DISABLE_USAGE_TRACKING_PACKAGES", disabled_by_dependant),
        ("site policy", site_denies),
        ("DO_NOT_TRACK", is_denied(do_not_track)),
        ("OTUMAT_USAGE", said == OFF),
        ("user", stored == OFF),
        ("CI", in_ci and not said),
    )
    for source, denies in denials:
        if denies:
            return OFF, source
    if in_ci and stored == UNSET:
        return said, "OTUMAT_USAGE"
    if stored == ON and said == LOCAL:
        return LOCAL, "OTUMAT_USAGE"
    return stored, "user"


def may_record(level: str) -> bool:
    """Whether uses may be written down on this machine."""
    return level in (LOCAL, ON)


def may_send(level: str) -> bool:
    """Whether what was written down may leave this machine."""
    return level == ON


def may_ask(
    level: str,
    enrolment: str,
    *,
    has_terminal: bool,
    in_notebook: bool,
    in_child: bool,
    in_main_thread: bool,
    in_ci: bool,
    asked_today: bool,
) -> bool:
    """
    Whether the one question (or, with `notice`, the one line) may be shown now.

    Args:
        level: What `decide` says: only where nobody has answered and nothing denies is there anything to ask.
    """
    wanted = level == UNSET and enrolment in (PROMPT, NOTICE)
    return wanted and has_terminal and in_main_thread and not (in_notebook or in_child or in_ci or asked_today)
