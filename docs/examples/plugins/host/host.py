"""A host: whatever is installed that greets may join in, if somebody this host trusts signed it."""

from __future__ import annotations

import sys
import warnings

from otumat.trust import load_entry_points

warnings.simplefilter("ignore")  # this host tells what was refused itself, below

plugins = load_entry_points("acme.greetings", policy=sys.argv[1])
for plugin in plugins:
    keys = ", ".join(key.note for key in plugin.decision.verdict.keys)
    print(f"{plugin.name}: {plugin.object('world')} (signed by {keys})")
for refused in plugins.refused:
    print(f"{refused.name}: refused, {refused.verdict.state}. {refused.why}")
for failed in plugins.failed:
    print(f"{failed.decision.name}: failed, {failed.error!r}")
