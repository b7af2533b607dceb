"""What accounts does after a commit: security mails."""

from __future__ import annotations

from otumat_index.accounts.notices import letters
from otumat_index.jobs import outbox

outbox.mails("security", letters.WORDINGS)(letters.drafts)
outbox.renders(letters.KIND)(letters.write)
