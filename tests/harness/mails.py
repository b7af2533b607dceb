"""What an index has mailed, as files; and what holds for each of its mails."""

from __future__ import annotations

import email
import email.policy
import html
import re
from email.message import EmailMessage

from harness.browser import Browser
from harness.server import Index
from harness.waiting import until


def check_headers(index: Index, head: str, mail: EmailMessage) -> None:
    """Each once, whole, in ASCII; a way to stop the mail where it can be stopped."""
    unfolded = re.sub(r"\r\n[ \t]+", " ", head).replace("\r\n", "\n")
    names = [line.partition(":")[0] for line in unfolded.splitlines()]
    assert len({*names}) == len(names), names
    assert {"From", "To", "Date", "Subject", "Message-ID", "MIME-Version"} <= {*names}
    assert "=?" not in head, "this story has no letter that needs encoding"
    assert re.fullmatch(r"<[^\s<>@]+@localhost>", mail["Message-ID"].strip())
    assert mail["Auto-Submitted"] == "auto-generated"
    if "No more mail about" in text_of(mail):
        link = re.search(r"^List-Unsubscribe: +<(\S+)>$", unfolded, re.MULTILINE)
        assert link, head
        assert link[1] in text_of(mail)
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert Browser(index).open(link[1]).status == 200
    else:
        assert "List-Unsubscribe" not in mail, "what cannot be stopped does not offer it"


def check_words(index: Index, mail: EmailMessage) -> None:
    """Text and HTML without gaps, with the same links, all of them ours."""
    text, page = text_of(mail), page_of(mail)
    for words in (text, page):
        assert not re.search(r"{{|{%|{#|\bNone\b|\{\w*\}|\(\)|“”|  \.|\.\.", words), words
        links = re.findall(r"https?://[^\s\"<>]+", words)
        assert links
        assert [link for link in links if not link.startswith(index.public_url)] == []
    assert not re.search(r"&(#\w+|amp|quot|lt|gt);", text), text
    assert max(len(line) for line in text.splitlines() if "://" not in line) <= 120, text
    hrefs = re.findall(r'href="([^"]*)"', page)
    assert [link for link in hrefs if not link.startswith(index.public_url)] == []
    assert {html.unescape(link).rstrip("/") for link in re.findall(r"https?://\S+", text)} == {
        link.rstrip("/") for link in hrefs
    }
    assert f"<title>{mail['Subject']}</title>" in page


def mails(index: Index) -> list[EmailMessage]:
    """Everything that was mailed, oldest first."""
    paths = sorted((index.data / "mail").glob("*.eml"))
    return [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in paths]


def mail_to(index: Index, address: str, subject: str) -> EmailMessage:
    """The newest mail about something, once it is there."""
    until(lambda: found(index, address, subject))
    return found(index, address, subject)[-1]


def found(index: Index, address: str, subject: str) -> list[EmailMessage]:
    return [mail for mail in mails(index) if mail["To"] == address and mail["Subject"] == f"[Otumat] {subject}"]


def text_of(mail: EmailMessage) -> str:
    """Its plain text."""
    part = mail.get_body(("plain",))
    assert part is not None, mail
    return str(part.get_content())


def page_of(mail: EmailMessage) -> str:
    """Its HTML."""
    part = mail.get_body(("html",))
    assert part is not None, mail
    return str(part.get_content())


def link_in(mail: EmailMessage) -> str:
    """The link into somebody's account."""
    links: list[str] = re.findall(r"https?://\S+", text_of(mail))
    return next(link for link in links if "/account/" in link)


def until_all_is_mailed(index: Index) -> None:
    """Until no change is left that somebody could be told of, and no mail that has not left."""

    def nothing_is_left() -> bool:
        ((head,),) = index.catalogue.rows("SELECT serial FROM journal_head")
        behind = index.catalogue.rows(f"SELECT name FROM jobs_cursor WHERE serial < {head}")
        return not behind and not index.catalogue.rows("SELECT 1 FROM jobs_mail WHERE state IN ('queued', 'sending')")

    until(nothing_is_left)
