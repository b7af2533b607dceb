"""
Usage: what a host program calls, what it leaves on disk, and what is sent with its user's consent.

A guest in other people's programs: nothing is recorded before a yes, nothing is ever raised, printed or waited for
(but the one question), and importing costs less than a millisecond. The standard library alone.

    agent.py       UsageAgent, what a host calls; read it first
    places.py      where the state of a package lies
    denials.py     what says no from outside: variables, CI, the site's policy
    answers.py     the user's stored answer
    admitting.py   which uses may be written down
    spool.py       one event is one write; held.py reads and wipes, evicting.py makes room; notes.py: what was lost
    counters.py    for hot paths: numbers in a shared map; maps.py is that file, tallies.py reads it
    asking.py      the one question; manifests.py finds what a package declares
    changing.py    on, local, off: every change of the answer
    outbox.py      batches, frozen before they are shown or sent
    sender.py      one round of sending; spawning.py starts it as a process of its own
    tokens.py      the install's credential, refreshed under a lock
    hosts.py       what a host offers; dialect03.py speaks to those of Otumat 0.3
    enrol/         browser, device code, anonymous
    service/       the optional start at log-in: systemd, launchd, Task Scheduler
    takeover.py    what Otumat 0.3 left behind
    state.py       what `otumat usage status` tells
"""

from otumat.usage.agent import UsageAgent

__all__ = ["UsageAgent"]
