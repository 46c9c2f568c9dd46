"""Bitly's SDK (PyPI bitly-api-sdk, unmodified) against url-shortener's /v4 routes."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from bitlyapi.bitlyapi_client import BitlyapiClient
from bitlyapi.configuration import Configuration, Server
from bitlyapi.exceptions.api_exception import APIException
from bitlyapi.exceptions.badrequest_exception import BADREQUESTException
from bitlyapi.exceptions.notfound_exception import NOTFOUNDException
from bitlyapi.exceptions.unprocessableentity_exception import UNPROCESSABLEENTITYException
from bitlyapi.http.auth.o_auth_2 import BearerAuthCredentials
from bitlyapi.http.http_call_back import HttpCallBack
from bitlyapi.models.create_a_bitlink_request import CreateABitlinkRequest
from bitlyapi.models.expand_a_bitlink_request import ExpandABitlinkRequest
from bitlyapi.models.references_7 import References7
from bitlyapi.models.shorten_a_link_request import ShortenALinkRequest
from bitlyapi.models.update_a_bitlink_request import UpdateABitlinkRequest
from conftest import BROWSER, CALL_SECONDS, Cloud, eventually, fresh

JSON = "application/json"
# The SDK sends every field of a request; these are what Bitly's own examples say.
GROUP, DOMAIN = "Ba1bc23dE4F", "bit.ly"
CLICK = BROWSER | {"CloudFront-Viewer-Country": "DE", "Referer": "https://news.example/today"}


class Elsewhere(Configuration):
    """The SDK's configuration with another base URL than Bitly's, which has no setting of its own."""

    def __init__(self, base: str, key: str, heard: HttpCallBack | None = None) -> None:
        self.base = base
        super().__init__(http_call_back=heard, timeout=CALL_SECONDS, bearer_auth_credentials=BearerAuthCredentials(key))

    def get_base_uri(self, server: Server = Server.SERVER_1) -> str:
        return self.base


class Heard(HttpCallBack):
    """Keeps the last answer: the SDK takes the numbers in metrics for objects and reads None, from Bitly too."""

    body: Any = None

    def on_before_request(self, request: Any) -> None:
        pass

    def on_after_response(self, response: Any) -> None:
        print(response.status_code, response.text)
        self.body = json.loads(response.text)


class Bitly:
    def __init__(self, cloud: Cloud, key: str) -> None:
        self.heard = Heard()
        self.client = BitlyapiClient(config=Elsewhere(f"{cloud.origin('url-shortener')}/v4", key, self.heard))

    def shorten(self, long_url: str) -> Any:
        return self.client.misc.shorten_a_link(JSON, ShortenALinkRequest(GROUP, DOMAIN, long_url))

    def get(self, bitlink: str) -> Any:
        return self.client.bitlink.retrieve_a_bitlink(bitlink, JSON)


@pytest.fixture
def bitly(cloud: Cloud) -> Iterator[Bitly]:
    yield Bitly(cloud, cloud.key(fresh("bitly"), ["links:read", "links:write"]))


def follow(link: str, times: int = 1) -> str:
    for _ in range(times):
        answer = requests.get(link, headers=CLICK, allow_redirects=False, timeout=CALL_SECONDS)
        assert answer.status_code in (301, 302, 307, 308), (answer.status_code, answer.text)
    return answer.headers["location"]


def test_a_url_is_shortened_followed_and_expanded(bitly: Bitly) -> None:
    long_url = f"https://a.example/{fresh('page')}?q=1"
    short = bitly.shorten(long_url)
    host, _, code = short.id.partition("/")
    assert short.long_url == long_url
    assert host
    assert code
    assert short.link.endswith(f"://{short.id}")
    assert short.created_at
    assert short.archived is False
    assert follow(short.link) == long_url
    expanded = bitly.client.misc.expand_a_bitlink(JSON, ExpandABitlinkRequest(short.id))
    assert (expanded.id, expanded.link, expanded.long_url) == (short.id, short.link, long_url)


def test_the_same_url_gets_the_same_bitlink(bitly: Bitly, cloud: Cloud) -> None:
    long_url = f"https://a.example/{fresh('page')}"
    first = bitly.shorten(long_url)
    assert bitly.shorten(long_url).id == first.id
    other = Bitly(cloud, cloud.key(fresh("bitly"), ["links:read", "links:write"]))
    assert other.shorten(long_url).id != first.id


def test_a_bitlink_has_a_title_and_tags_and_is_updated(bitly: Bitly) -> None:
    long_url = f"https://a.example/{fresh('page')}"
    wanted = CreateABitlinkRequest(DOMAIN, "A page", GROUP, ["red", "blue"], [], long_url)
    made = bitly.client.bitlinks.create_a_bitlink(JSON, wanted)
    assert (made.title, sorted(made.tags), made.long_url) == ("A page", ["blue", "red"], long_url)
    update = UpdateABitlinkRequest(
        references=References7(in_9=""),
        archived=False,
        is_deleted=False,
        tags=["green"],
        created_at=made.created_at,
        title="Another page",
        deeplinks=[],
        created_by=made.created_by or "",
        long_url=long_url,
        client_id="",
        custom_bitlinks=[],
        link=made.link,
        launchpad_ids=[],
        id=made.id,
    )
    changed = bitly.client.bitlink.update_a_bitlink(made.id, JSON, update)
    for link in (changed, bitly.get(made.id)):
        assert (link.id, link.title, link.tags, link.long_url) == (made.id, "Another page", ["green"], long_url)
    assert follow(made.link) == long_url


def test_clicks_are_counted_by_day_country_and_referrer(bitly: Bitly) -> None:
    short = bitly.shorten(f"https://a.example/{fresh('page')}")
    clicks = bitly.client.clicks
    summary = clicks.get_a_clicks_summary_for_a_bitlink("day", -1, None, short.id, JSON)
    assert (summary.unit, summary.units, bitly.heard.body["total_clicks"]) == ("day", -1, 0)
    follow(short.link, times=2)

    def counted() -> bool | None:
        found = clicks.get_a_clicks_summary_for_a_bitlink("day", -1, None, short.id, JSON)
        return True if found.total_clicks == 2 else None

    eventually("two clicks to be counted", counted)
    by_day = clicks.get_clicks_for_a_bitlink("day", -1, None, short.id, JSON)
    assert sum(day.clicks or 0 for day in by_day.link_clicks) == 2
    assert all(day.date for day in by_day.link_clicks)
    metrics = bitly.client.bitlink
    for ask, facet, value in (
        (metrics.get_metrics_for_a_bitlink_by_country, "countries", "DE"),
        (metrics.get_metrics_for_a_bitlink_by_referrers, "referrers", "news.example"),
    ):
        answer = ask("day", -1, 50, None, short.id, JSON)
        assert answer.facet == facet
        assert [entry["clicks"] for entry in bitly.heard.body["metrics"]] == [2], bitly.heard.body
        assert value in bitly.heard.body["metrics"][0]["value"], bitly.heard.body


def test_refusals_are_the_sdks_own_exceptions(bitly: Bitly, cloud: Cloud) -> None:
    short = bitly.shorten(f"https://a.example/{fresh('page')}")
    host = short.id.partition("/")[0]
    with pytest.raises(NOTFOUNDException) as missing:
        bitly.get(f"{host}/{fresh('no')}")
    assert missing.value.message
    with pytest.raises((BADREQUESTException, UNPROCESSABLEENTITYException)) as refused:
        bitly.shorten("not a url")
    assert refused.value.message
    stranger = Bitly(cloud, "wrong")
    with pytest.raises(APIException) as unknown:
        stranger.get(short.id)
    assert unknown.value.response_code in (401, 403)
    other = Bitly(cloud, cloud.key(fresh("bitly"), ["links:read", "links:write"]))
    with pytest.raises(APIException) as foreign:
        other.get(short.id)
    assert foreign.value.response_code in (403, 404)
