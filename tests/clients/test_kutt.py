"""Kutt's client library (PyPI kutt, unmodified) against url-shortener's /api/v2 routes. It sends forms, reads JSON."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import requests
from conftest import BROWSER, CALL_SECONDS, Cloud, eventually, fresh
from kutt import kutt

VIEWS = {"lastDay": 24, "lastWeek": 7, "lastMonth": 30, "lastYear": 12}


class Kutt:
    """The library's functions with this cloud's URL; each answers {"code": status, "data": JSON}."""

    def __init__(self, cloud: Cloud, key: str) -> None:
        self.url = f"{cloud.origin('url-shortener')}/api/v2/links"
        self.key = key

    def __getattr__(self, name: str) -> Callable[..., dict[str, Any]]:
        return partial(getattr(kutt, name), self.key, host_url=self.url)


@pytest.fixture
def client(cloud: Cloud) -> Kutt:
    return Kutt(cloud, cloud.key(fresh("kutt"), ["links:read", "links:write"]))


def follow(link: str, times: int = 1) -> str:
    for _ in range(times):
        answer = requests.get(link, headers=BROWSER, allow_redirects=False, timeout=CALL_SECONDS)
        assert answer.status_code in (301, 302, 307, 308), (answer.status_code, answer.text)
    return answer.headers["location"]


def refused(answer: dict[str, Any], *statuses: int) -> None:
    assert answer["code"] in statuses, answer
    assert isinstance(answer["data"]["error"], str), answer


def made(answer: dict[str, Any], *statuses: int) -> dict[str, Any]:
    assert answer["code"] in (statuses or (201,)), answer
    return dict(answer["data"])


def test_a_link_is_made_and_followed(client: Kutt) -> None:
    target = f"https://a.example/{fresh('page')}?q=1"
    link = made(client.submit(target, description="a page"))
    assert (link["target"], link["description"], link["password"], link["banned"]) == (target, "a page", False, False)
    assert link["link"].endswith(f"/{link['address']}")
    assert link["visit_count"] == 0
    assert link["id"]
    assert link["created_at"]
    assert follow(link["link"]) == target


def test_a_custom_address_belongs_to_its_first_claimant(client: Kutt, cloud: Cloud) -> None:
    address = fresh("cat")
    link = made(client.submit("https://a.example/", customurl=address))
    assert link["address"] == address
    other = Kutt(cloud, cloud.key(fresh("kutt"), ["links:read", "links:write"]))
    refused(other.submit("https://b.example/", customurl=address), 400, 409)


def test_reuse_gives_the_same_link(client: Kutt) -> None:
    target = f"https://a.example/{fresh('page')}"
    first = made(client.submit(target))
    assert made(client.submit(target, reuse=True), 200, 201)["id"] == first["id"]
    assert made(client.submit(target))["id"] != first["id"]


def test_a_link_may_expire_and_have_a_password(client: Kutt) -> None:
    link = made(client.submit("https://a.example/", expire_in="2 days", password="open sesame"))
    assert link["password"] is True
    assert "open sesame" not in str(link)
    assert link["expire_in"] > link["created_at"]
    refused(client.submit("https://a.example/", expire_in="soon"), 400, 422)


def test_links_are_listed_newest_first(client: Kutt) -> None:
    made_ids = [made(client.submit(f"https://a.example/{number}"))["id"] for number in range(3)]
    answer = client.links()
    assert answer["code"] == 200, answer
    listed = answer["data"]
    assert (listed["total"], listed["limit"], listed["skip"]) == (3, 10, 0)
    assert [link["id"] for link in listed["data"]] == made_ids[::-1]


def test_visits_are_counted(client: Kutt) -> None:
    link = made(client.submit(f"https://a.example/{fresh('page')}"))
    follow(link["link"], times=2)

    def counted() -> dict[str, Any] | None:
        stats = client.stats(link["id"])
        assert stats["code"] == 200, stats
        return stats["data"] if stats["data"]["visit_count"] == 2 else None

    stats = eventually("two visits to be counted", counted)
    assert (stats["id"], stats["target"]) == (link["id"], link["target"])
    for period, views in VIEWS.items():
        found = stats[period]
        assert (found["total"], len(found["views"]), sum(found["views"])) == (2, views, 2), (period, found)
        for facet in ("browser", "os", "country", "referrer"):
            assert all({"name", "value"} <= entry.keys() for entry in found["stats"][facet]), (facet, found)
        assert {"name": "chrome", "value": 2} in found["stats"]["browser"], found


def test_a_link_is_changed(client: Kutt) -> None:
    link = made(client.submit("https://a.example/"))
    changed = made(client.update(link["id"], "https://b.example/", link["address"], description="another"), 200)
    assert (changed["id"], changed["target"], changed["description"]) == (link["id"], "https://b.example/", "another")
    assert client.links()["data"]["data"][0]["target"] == "https://b.example/"


def test_a_link_is_deleted(client: Kutt) -> None:
    link = made(client.submit("https://a.example/"))
    deleted = client.delete(link["id"])
    assert deleted["code"] == 200, deleted
    assert deleted["data"]["message"]
    refused(client.stats(link["id"]), 400, 404)
    refused(client.delete(link["id"]), 400, 404)
    assert client.links()["data"]["total"] == 0


def test_what_is_wrong_is_an_error(client: Kutt, cloud: Cloud) -> None:
    refused(client.submit("http://"), 400, 422)
    assert Kutt(cloud, "wrong").links()["code"] == 401
