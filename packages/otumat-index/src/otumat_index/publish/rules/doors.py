"""
What every door of this index asks of whoever comes: a deed of `access.TABLE`, or one of `AUDIENCES`.

`publish.doors.opened` looks here before a project's door opens, so one without a row stays shut; a test walks all
addresses, and fails for one that is not here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

AUDIENCES: Mapping[str, str] = {
    "anyone": "no login is needed, and nothing depends on one; or the address itself is a secret",
    "known": "anybody with valid credentials",
    "account": "a person about the own account, without a limited token; others' rows are not there",
    "group": "members of a group, and its managers to change it; for others it is not there",
    "admin": "admins of the index; for others it is not there",
    "sender": "whoever the form's project lets in, by header alone",
}

API = "/api/v1"
PROJECT = f"{API}/project/{{name}}"
PAGE = "/manage/project/{name}"
DOORS: Mapping[str, str] = {
    # the management API: a project
    f"GET {PROJECT}/{{version}}/metadata": "read",
    f"PUT {PROJECT}/{{version}}/yank": "yank",
    f"DELETE {PROJECT}/{{version}}/yank": "yank",
    f"PUT {PROJECT}/file/{{filename}}/yank": "yank",
    f"DELETE {PROJECT}/file/{{filename}}/yank": "yank",
    f"DELETE {PROJECT}/file/{{filename}}": "manage",
    f"PUT {PROJECT}/status": "manage",
    f"PUT {PROJECT}/visibility": "manage",
    f"PUT {PROJECT}/second-factor": "manage",
    f"GET {PROJECT}/roles": "audit",
    f"PUT {PROJECT}/roles/{{holder}}": "manage",
    f"DELETE {PROJECT}/roles/{{holder}}": "leave",
    f"GET {PROJECT}/invitations": "manage",
    f"POST {PROJECT}/invitations": "invite",
    f"DELETE {PROJECT}/invitations/{{invitation_id}}": "manage",
    f"POST {PROJECT}/transfer": "transfer",
    f"GET {PROJECT}/journal": "audit",
    f"GET {PROJECT}/publishers": "manage",
    f"POST {PROJECT}/publishers": "entrust",
    f"DELETE {PROJECT}/publishers/{{publisher_id}}": "manage",
    f"GET {PROJECT}/webhooks": "manage",
    f"POST {PROJECT}/webhooks": "manage",
    f"DELETE {PROJECT}/webhooks/{{webhook_id}}": "manage",
    f"POST {PROJECT}/webhooks/{{webhook_id}}/enable": "manage",
    f"POST {PROJECT}/webhooks/{{webhook_id}}/test": "manage",
    f"GET {PROJECT}/webhooks/{{webhook_id}}/deliveries": "manage",
    f"POST {PROJECT}/webhooks/{{webhook_id}}/deliveries/{{delivery}}/redeliver": "manage",
    f"GET {PROJECT}/notifications": "read",
    f"PUT {PROJECT}/notifications": "read",
    # the management API: people
    f"GET {API}/whoami": "known",
    f"GET {API}/tokens": "account",
    f"POST {API}/tokens": "account",
    f"DELETE {API}/tokens/{{token_id}}": "account",
    f"GET {API}/notifications": "account",
    f"PUT {API}/notifications": "account",
    f"GET {API}/publishers": "account",
    f"POST {API}/publishers": "account",
    f"DELETE {API}/publishers/{{publisher_id}}": "account",
    f"GET {API}/invitations": "account",
    f"POST {API}/invitations/{{invitation_id}}/accept": "account",
    f"POST {API}/invitations/{{invitation_id}}/decline": "account",
    f"GET {API}/journal": "account",
    f"GET {API}/groups": "account",
    f"POST {API}/groups": "account",
    f"GET {API}/groups/{{slug}}": "group",
    f"PATCH {API}/groups/{{slug}}": "group",
    f"DELETE {API}/groups/{{slug}}": "group",
    f"PUT {API}/groups/{{slug}}/members/{{user}}": "group",
    f"DELETE {API}/groups/{{slug}}/members/{{user}}": "group",
    f"GET {API}/admin/users": "admin",
    f"PUT {API}/admin/users/{{user}}": "admin",
    f"DELETE {API}/admin/users/{{user}}/factors": "admin",
    f"GET {API}/admin/projects": "admin",
    f"PUT {API}/admin/names/{{name}}": "admin",
    f"GET {API}/admin/journal": "admin",
    f"POST {API}/admin/classifiers": "admin",
    f"DELETE {API}/admin/classifiers": "admin",
    f"GET {API}/browse": "anyone",
    f"GET {API}/search": "anyone",
    f"GET {API}/classifiers": "anyone",
    # pages: a project
    f"GET {PAGE}/": "yank",
    f"POST {PAGE}/yank": "yank",
    f"POST {PAGE}/status": "manage",
    f"POST {PAGE}/visibility": "manage",
    f"POST {PAGE}/second-factor": "manage",
    f"POST {PAGE}/role": "manage",
    f"POST {PAGE}/role/remove": "manage",
    f"POST {PAGE}/leave": "leave",
    f"POST {PAGE}/invite": "invite",
    f"POST {PAGE}/invite/{{invitation_id}}/withdraw": "manage",
    f"POST {PAGE}/transfer": "transfer",
    f"GET {PAGE}/journal/": "audit",
    f"POST {PAGE}/file/remove": "manage",
    f"GET {PAGE}/file/{{filename}}/remove": "manage",
    f"GET {PAGE}/publishing/": "manage",
    f"POST {PAGE}/publishing/": "entrust",
    f"POST {PAGE}/publishing/{{publisher_id}}/remove": "manage",
    f"GET {PAGE}/webhooks/": "manage",
    f"POST {PAGE}/webhooks/": "manage",
    f"GET {PAGE}/webhooks/{{number}}/": "manage",
    f"POST {PAGE}/webhooks/{{number}}/": "manage",
    # pages and files: reading
    "GET /project/{name}/": "read",
    "GET /project/{name}/{version}/": "read",
    "GET /project/{name}/{version}/description.txt": "read",
    "GET /project/{name}/feed.{kind}": "read",
    "GET /simple/{name}/": "read",
    "GET /files/{key}": "read",
    "GET /files/{key}.metadata": "read",
    "GET /pypi/{name}/json": "read",
    "GET /pypi/{name}/{version}/json": "read",
    "GET /": "anyone",
    "GET /projects/": "anyone",
    "GET /index": "anyone",
    "GET /search": "anyone",
    "GET /search/help": "anyone",
    "GET /compare": "anyone",
    "GET /display": "anyone",
    "GET /classifiers/": "anyone",
    "GET /browse/": "anyone",
    "GET /simple/": "anyone",
    "GET /simple": "anyone",
    "GET /simple/{name}": "anyone",
    "GET /packages/{key}": "anyone",
    "GET /feeds/projects.{kind}": "anyone",
    "GET /feeds/releases.{kind}": "anyone",
    "GET /suggest": "anyone",
    "GET /opensearch.xml": "anyone",
    "GET /robots.txt": "anyone",
    "GET /sitemap.xml": "anyone",
    "GET /sitemaps/{number}.xml": "anyone",
    "GET /.well-known/security.txt": "anyone",
    "GET /health/live": "anyone",
    "GET /health/ready": "anyone",
    "GET /metrics": "anyone",
    # uploaders, and what is done without a login
    "POST /submit": "sender",
    "POST /legacy/": "sender",
    "POST /legacy": "sender",
    "POST /pypi": "sender",
    "POST /pypi/": "sender",
    "POST /user": "anyone",
    "POST /password_reminder": "anyone",
    "GET /account/first-admin/{secret}/": "anyone",
    "POST /account/first-admin/{secret}/": "anyone",
    "GET /account/mail/unsubscribe/{token}/": "anyone",
    "POST /account/mail/unsubscribe/{token}/": "anyone",
    "GET /.well-known/pytp": "anyone",
    "GET /_/oidc/audience": "anyone",
    "POST /_/oidc/mint-token": "anyone",
    "POST /_/oidc/burn-token": "anyone",
    # pages: people and admins
    "GET /account/": "account",
    "GET /account/tokens/": "account",
    "POST /account/tokens/": "account",
    "POST /account/tokens/{token_id}/revoke": "account",
    "GET /account/mail/": "account",
    "POST /account/mail/": "account",
    "GET /account/publishing/": "account",
    "POST /account/publishing/": "account",
    "POST /account/publishing/{publisher_id}/remove": "account",
    "GET /manage/submit/": "account",
    "POST /manage/submit/": "account",
    "GET /account/invitations/": "account",
    "GET /account/invitations/{secret}/": "account",
    "POST /account/invitations/{invitation_id}/accept": "account",
    "POST /account/invitations/{invitation_id}/decline": "account",
    "GET /account/journal/": "account",
    "GET /account/security/": "account",
    "POST /account/security/sessions": "account",
    "GET /account/security/password/remove/": "account",
    "POST /account/security/password/remove/": "account",
    "GET /account/delete/": "account",
    "POST /account/delete/": "account",
    "GET /account/groups/": "account",
    "POST /account/groups/": "account",
    "GET /account/groups/{slug}/": "group",
    "POST /account/groups/{slug}/": "group",
    "GET /admin/": "admin",
    "GET /admin/users/": "admin",
    "POST /admin/users/{name}/{act}": "admin",
    "GET /admin/projects/": "admin",
    "POST /admin/projects/": "admin",
    "GET /admin/classifiers/": "admin",
    "POST /admin/classifiers/": "admin",
    "GET /admin/journal/": "admin",
}
_CONVERTER = re.compile(r"<(?:\w+:)?(\w+)>")


def address(route: str) -> str:
    """A route as Django or the API's document writes it, in the spelling of `DOORS`: `/a/{name}/`."""
    return "/" + _CONVERTER.sub(r"{\1}", route).lstrip("/")


def asked_at(method: str, route: str) -> str:
    """
    What a door asks for.

    Raises:
        KeyError: It is not in the table, and so stays shut.
    """
    return DOORS[f"{'GET' if method == 'HEAD' else method} {address(route)}"]
