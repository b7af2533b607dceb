"""What publishing does after a commit: mail to the people concerned, webhooks, and a second look at signatures."""

from __future__ import annotations

from otumat_index.jobs import follower, outbox
from otumat_index.publish.hooks import tasks  # noqa: F401 - registers the webhooks' listener
from otumat_index.publish.notices import letters, queries
from otumat_index.publish.signing import again

outbox.mails("changes", letters.SENTENCES, joined=letters.SENTENCES)(queries.drafts_of_change)
outbox.mails("roles", queries.ROLES)(queries.drafts_of_role)
outbox.mails("invitations", ["invitation.create"])(queries.drafts_of_invitation)
outbox.mails("duties", letters.DUTIES.keys() - {*queries.ROLES, "invitation.create"})(queries.drafts_of_duty)
outbox.renders(queries.CHANGE)(letters.write_change)
outbox.renders(queries.DUTY)(letters.write_duty)
outbox.renders(queries.INVITE)(letters.write_invitation)

rejudging = again.Rejudging()
follower.listens(rejudging.note)
follower.every(1)(rejudging)
