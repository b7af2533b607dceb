"""D11: browsing by classifier, with counts that never lie."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from functools import reduce
from operator import or_
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.db.models import Q
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from otumat_index.accounts.credentials import of_user
from otumat_index.accounts.models import User
from otumat_index.discover import search
from otumat_index.discover.pages import question as questions
from otumat_index.discover.search import asked
from otumat_index.discover.search.asked import Query
from otumat_index.discover.search.engine.here import Here
from otumat_index.discover.search.language import read
from otumat_index.publish import actions
from otumat_index.publish.models import Project
from otumat_index.publish.queries import vocabulary

pytestmark = pytest.mark.django_db
Register = Callable[..., Project]
TOPIC, INTERNET, HTTP = "Topic", "Topic :: Internet", "Topic :: Internet :: WWW/HTTP"
SERVERS = "Topic :: Internet :: WWW/HTTP :: HTTP Servers"
DEEP = "Topic :: Internet :: WWW/HTTP :: Dynamic Content :: Wiki"
TYPED, CONSOLE, DJANGO = "Typing :: Typed", "Environment :: Console", "Framework :: Django"
DJANGO5, FLASK, WEB = "Framework :: Django :: 5.0", "Framework :: Flask", "Environment :: Web Environment"
OFFICE, OS2 = "Topic :: Office/Business", "Operating System :: OS/2"
EVERY = (INTERNET, HTTP, SERVERS, DEEP, TYPED, CONSOLE, DJANGO, DJANGO5, FLASK, WEB, OFFICE, OS2)


@pytest.fixture
def engine() -> Iterator[None]:
    with search.answered_by(Here()):
        yield


def names_on(response: Any) -> list[str]:
    assert response.status_code == 200
    return re.findall(r'class="title"><a href="/project/[^"]+/">([^<]+)</a>', response.content.decode())


def links_on(response: Any) -> list[tuple[str, str, int]]:
    """Every classifier in the boxes that can be clicked: its last part, where it leads, and the number beside it."""
    narrow = response.content.decode().partition('class="boxes"')[2]
    pattern = r'<a href="([^"]+)">([^<]+)</a> <span class="count">([\d,]+)</span>'
    found = re.findall(pattern, narrow)
    return [(html.unescape(leaf), html.unescape(url), int(count.replace(",", ""))) for url, leaf, count in found]


def total_of(response: Any) -> int:
    found = re.search(r'role="status"[^>]*><strong>([\d,]+)</strong>', response.content.decode())
    return int(found[1].replace(",", "")) if found else 0


def browse(client: Client, *classifiers: str, **more: str) -> Any:
    return client.get("/browse/?" + urlencode([*(("c", each) for each in classifiers), *more.items()]))


@pytest.fixture
def few(register: Register, engine: None) -> None:
    register("one", summary="fast", classifiers=[HTTP, TYPED, DJANGO5])
    register("two", summary="fast", classifiers=[INTERNET, CONSOLE, FLASK])
    register("three", summary="slow", classifiers=[OFFICE, OS2, TYPED])


def test_D11_there_is_a_box_for_each_category_and_three_come_first(
    client: Client, register: Register, engine: None
) -> None:
    register("one", classifiers=[*EVERY, "Intended Audience :: Developers", "Natural Language :: German"])
    boxes = re.findall(r'<details class="box"[^>]*>\n<summary>([^<]+)</summary>', browse(client).content.decode())
    rest = ["Intended Audience", "Natural Language", "Operating System", "Typing"]
    assert boxes == ["Topic", "Environment", "Framework", *rest]


def test_D11_every_child_shows_its_count_within_the_selection(client: Client, few: None) -> None:
    assert {leaf: count for leaf, _, count in links_on(browse(client, TYPED))} == {
        "Any Topic": 2,
        "Internet": 1,
        "WWW/HTTP": 1,
        "Office/Business": 1,
        "Any Framework": 1,
        "Django": 1,
        "5.0": 1,
        "Any Operating System": 1,
        "OS/2": 1,
        "Any Typing": 2,
    }


def test_D11_a_click_narrows_the_list_to_all_of_what_is_chosen(client: Client, few: None) -> None:
    first = browse(client, INTERNET)
    assert sorted(names_on(first)) == ["one", "two"]
    urls = {leaf: url for leaf, url, _ in links_on(first)}
    second = client.get(urls["Typed"])
    assert parse_qs(urlsplit(urls["Typed"]).query)["c"] == [INTERNET, TYPED]
    assert names_on(second) == ["one"]


def test_D11_what_is_chosen_is_listed_and_can_be_dropped(client: Client, few: None) -> None:
    page = browse(client, INTERNET, TYPED)
    chips = page.context["answer"].chips
    assert [[step.words for step in chip.steps] for chip in chips] == [["Topic", "Internet"], ["Typing", "Typed"]]
    assert sorted(names_on(client.get(chips[1].drop_url))) == ["one", "two"]
    assert '<span class="visually-hidden">Drop Topic, Internet</span>' in page.content.decode()


def test_D11_the_path_above_a_chosen_one_leads_up(client: Client, few: None) -> None:
    (chip,) = browse(client, HTTP).context["answer"].chips
    assert [step.words for step in chip.steps] == ["Topic", "Internet", "WWW/HTTP"]
    assert sorted(names_on(client.get(chip.steps[1].url))) == ["one", "two"]
    assert len(names_on(client.get(chip.steps[0].url))) == 3


def test_D11_a_category_can_be_widened_by_another_one_of_it(client: Client, few: None) -> None:
    page = browse(client, DJANGO, mode="widen")
    links = {leaf: (url, count) for leaf, url, count in links_on(page)}
    assert links["Flask"][1] == 2
    assert "Console" not in links
    wider = client.get(links["Flask"][0])
    assert sorted(names_on(wider)) == ["one", "two"]
    (chip,) = wider.context["answer"].chips
    assert chip.steps[0].words == f"{DJANGO} or {FLASK}"
    assert names_on(client.get(f"{links['Flask'][0]}&c=Typing")) == ["one"]


def test_D11_a_classifier_can_be_excluded(client: Client, few: None) -> None:
    links = {leaf: (url, count) for leaf, url, count in links_on(browse(client, TOPIC, mode="exclude"))}
    assert links["Typed"][1] == 1
    without = client.get(links["Typed"][0])
    assert names_on(without) == ["two"]
    (_, chip) = without.context["answer"].chips
    assert chip.is_negated
    assert sorted(names_on(client.get(chip.turn_url))) == ["one", "three"]


def test_D11_counts_are_within_the_text_too(client: Client, few: None) -> None:
    links = {leaf: count for leaf, _, count in links_on(browse(client, q="fast"))}
    assert (links["Any Topic"], links["Typed"]) == (2, 1)
    assert "Office/Business" not in links


def test_D11_deep_trees_unfold_without_script(client: Client, register: Register, engine: None) -> None:
    register("wiki", classifiers=[DEEP])
    page = browse(client, "Topic :: Internet :: WWW/HTTP :: Dynamic Content").content.decode()
    box = page.partition('id="box-topic"')[2].partition("</details>\n")[0]
    assert box.count("<details open>") >= 2
    assert '<span class="visually-hidden">Below WWW/HTTP</span>' in box
    assert ">Wiki</a>" in box


def test_A74_a_long_question_is_not_repeated_for_every_classifier(
    client: Client, register: Register, engine: None
) -> None:
    register("all", classifiers=sorted(text for text in vocabulary().allowed if not text.startswith("License")))
    phrases = " ".join(f'-"{letter} b"' for letter in "abcdefgh")
    union = "text:all," + ",".join(f"{number:024}" for number in range(15))
    texts = ("all", "-bosun -capstan -davit -jib", phrases, union)
    for text in texts:
        page = browse(client, TOPIC, q=text)
        assert names_on(page) == ["all"]
        assert len(page.content) < 250_000, text
    assert "this list is short" in page.content.decode()
    leaves = {leaf for leaf, *_ in links_on(browse(client, HTTP, q=texts[1]))}
    assert "HTTP Servers" in leaves
    assert "Wiki" not in leaves


def test_D11_no_more_than_eight_are_chosen(client: Client, register: Register, engine: None) -> None:
    register("one", classifiers=list(EVERY))
    page = browse(client, *EVERY)
    said = page.content.decode()
    assert "No more than 8 classifiers at once: the others were left out." in said
    assert "Eight classifiers are the most at once." in said
    assert links_on(page) == []
    assert names_on(page) == ["one"]


def test_D11_an_empty_selection_says_which_of_it_leaves_nothing(client: Client, few: None) -> None:
    page = browse(client, OFFICE, FLASK, TYPED)
    culprits = {chip.chip.steps[-1].words: chip.total for chip in page.context["answer"].culprits}
    assert culprits == {"Flask": 1, "Office/Business": 0, "Typed": 0}
    assert "Nothing fits all of this at once." in page.content.decode()


def test_D11_the_same_boxes_stand_beside_search_results(client: Client, few: None) -> None:
    page = client.get("/search?q=fast")
    links = {leaf: (url, count) for leaf, url, count in links_on(page)}
    url, count = links["Typed"]
    assert (count, url) == (1, "/search?q=fast+typing%3Atyped")
    assert names_on(client.get(url)) == ["one"]


def test_D48_names_with_slashes_are_found_as_they_are(client: Client, few: None) -> None:
    assert names_on(browse(client, OFFICE, OS2)) == ["three"]


def test_a_classifier_selects_what_carries_it_or_one_below(client: Client, few: None) -> None:
    assert sorted(names_on(browse(client, INTERNET))) == ["one", "two"]
    assert names_on(browse(client, TOPIC, TYPED, INTERNET)) == ["one"]
    assert names_on(browse(client, "Topic :: Inter")) == []


def test_an_index_s_own_trees_are_browsed_as_all_others(
    client: Client, register: Register, admin: User, now: Any, engine: None
) -> None:
    own = "Acme :: Team :: Pay & Bill"
    actions.add_classifiers([own], by=of_user(admin, "session"), at=now)
    register("bills", classifiers=[own])
    links = {leaf: (url, count) for leaf, url, count in links_on(browse(client))}
    assert links["Pay & Bill"][1] == 1
    assert names_on(client.get(links["Pay & Bill"][0])) == ["bills"]
    assert names_on(client.get("/search?q=acme:pay-%26-bill")) == ["bills"]


# Counts never lie: every number on any page is the length of the list behind it, and that list is the right one.


def below(text: str) -> Q:
    links = "latest__classifier_links__classifier__text"
    return Q(**{links: text}) | Q(**{f"{links}__startswith": f"{text} :: "})


def by_brute_force(query: Query) -> set[str]:
    """What a query of classifiers and words finds, by looking at every project."""
    found = set(Project.objects.filter(is_private=False).values_list("name", flat=True))
    for term in query.terms:
        if term.field == asked.CLASSIFIER:
            test = reduce(or_, map(below, term.values))
        else:
            test = Q(latest__summary__icontains=term.values[0])
        passing = set(Project.objects.filter(test, is_private=False).values_list("name", flat=True))
        found = found - passing if term.negated else found & passing
    return found


def asked_at(url: str) -> Query:
    """The query of an address, read without the page's own code."""
    parts = parse_qs(urlsplit(url).query)
    names = questions.names()
    terms = list(read(parts.get("q", [""])[0], names=names).query.terms)
    terms += [asked.Term(asked.CLASSIFIER, (text,)) for text in parts.get("c", [])]
    return Query(tuple(terms))


@pytest.fixture
def many(register: Register) -> Iterator[None]:
    for number in range(24):
        carried = [text for place, text in enumerate(EVERY) if (number * 7 + place * 5) % (3 + place % 4) == 0]
        register(f"p{number:02}", summary=["fast", "slow"][number % 2], classifiers=carried)
    register("hidden", summary="fast", classifiers=list(EVERY), is_private=True)
    with search.answered_by(Here()):
        yield


tests = some.one_of(
    some.sampled_from(["fast", "-fast", "slow", "framework:django,flask", "-framework:django", "-topic:www/http"]),
    some.sampled_from(["environment:console,web-environment", "typing:typed", "-os:os/2", "classifier:Topic"]),
)


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    chosen=some.lists(some.sampled_from((TOPIC, *EVERY)), max_size=2, unique=True),
    text=some.lists(tests, max_size=2, unique=True).map(" ".join),
    mode=some.sampled_from(["", "widen", "exclude"]),
    path=some.sampled_from(["/browse/", "/search"]),
    picks=some.randoms(use_true_random=False),
)
def test_D11_counts_never_lie(
    client: Client, many: None, chosen: list[str], text: str, mode: str, path: str, picks: Any
) -> None:
    pairs = [("q", text), *(("c", each) for each in chosen), ("mode", mode)]
    url = f"{path}?{urlencode([(name, value) for name, value in pairs if value])}&rows=100"
    page = client.get(url)
    if path == "/search" and not (chosen or text):
        return
    expected = by_brute_force(asked_at(url))
    assert set(names_on(page)) == expected
    assert total_of(page) == len(expected)
    links = links_on(page)
    assert all(count > 0 for _, _, count in links)
    for leaf, link, count in picks.sample(links, min(len(links), 6)):
        behind = client.get(link.replace("#", ""))
        assert total_of(behind) == count, (url, leaf, link)
        assert count == len(by_brute_force(asked_at(link))), (url, leaf, link)
    for chip in page.context["answer"].chips:
        assert total_of(client.get(chip.drop_url)) == len(by_brute_force(asked_at(chip.drop_url))) or (
            urlsplit(chip.drop_url).path == "/search" and "q=" not in chip.drop_url
        )
