"""What clients learn of their limits: ratelimit-header-parser (npm) reads X-RateLimit-*, http-sf (PyPI) RateLimit."""

import time
from collections.abc import Mapping
from datetime import datetime
from itertools import pairwise
from typing import Any

import http_sf
import pytest
import requests
from conftest import CALL_SECONDS, Cloud, fresh, node

HOUR_SECONDS = 3600
# Creates of a tenant of tier `free`, in an hour and at once.
CREATES = 100
CREATE_SECONDS = HOUR_SECONDS / CREATES
# Tokens that come while a test runs, and then some.
MOST_CREATES = 110
# Clocks of one machine agree; a header's seconds are whole.
SLACK_SECONDS = 5
# Checks of the policies made here, in a minute and at once.
CHECKS = 5
CHECK_SECONDS = 60 / CHECKS

Headers = Mapping[str, str]


class Client(requests.Session):
    """One tenant, nobody else's."""

    def __init__(self, cloud: Cloud, system: str, scopes: list[str], tier: str) -> None:
        super().__init__()
        self.origin = cloud.origin(system)
        self.headers["X-Api-Key"] = cloud.key(fresh("limited"), scopes, tier=tier)

    def ask(self, method: str, path: str, body: dict[str, Any]) -> requests.Response:
        return self.request(method, f"{self.origin}{path}", json=body, timeout=CALL_SECONDS)

    def create(self) -> requests.Response:
        return self.ask("POST", "/links", {"url": "https://a.example/"})

    def policy(self, **more: Any) -> str:
        """A policy of its own, by its id."""
        policy = fresh("checks")
        limit = {"quota": CHECKS, "per_seconds": 60}
        body = {"algorithm": "token_bucket", "dimensions": [{"name": "user", "limit": limit}], **more}
        answer = self.ask("PUT", f"/policies/{policy}", body)
        assert answer.ok, (answer.status_code, answer.text)
        return policy

    def check(self, policy: str) -> tuple[bool, Headers]:
        """Whether one user's next is allowed, and with what headers it is said."""
        answer = self.ask("POST", "/check", {"policy": policy, "keys": {"user": "u1"}})
        assert answer.status_code == 200, (answer.status_code, answer.text)
        return bool(answer.json()["allowed"]), answer.headers


@pytest.fixture
def shortener(cloud: Cloud) -> Client:
    return Client(cloud, "url-shortener", ["links:read", "links:write"], tier="free")


@pytest.fixture
def limiter(cloud: Cloud) -> Client:
    return Client(cloud, "rate-limiter", ["policies:write", "limits:check"], tier="free")


def parsed(*answers: Headers) -> list[dict[str, Any]]:
    """What ratelimit-header-parser reads in each answer."""
    found: list[dict[str, Any]] = node("headers.cjs", *map(dict, answers))
    assert all(found), answers
    return found


def resets_within(limit: dict[str, Any], began: float, seconds: float) -> None:
    reset = datetime.fromisoformat(limit["reset"]).timestamp()
    assert began < reset <= time.time() + seconds + SLACK_SECONDS, (limit, began)


def field(headers: Headers, name: str, policy: str, *parameters: str) -> dict[str, int]:
    """The parameters of a structured field that is one policy's; each is a whole number, and none is missing."""
    listed: Any = http_sf.parse(headers[name].encode(), name=name, tltype="list")
    [(item, found)] = listed
    # A token (creates;q=1) would be another type.
    assert (type(item), item) == (str, policy), listed
    assert sorted(found) == sorted(parameters), listed
    assert all(type(value) is int and value >= 0 for value in found.values()), listed
    return dict(found)


def test_each_answer_says_what_remains(shortener: Client) -> None:
    began = time.time()
    answers = [shortener.create() for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201] * 3, [answer.text for answer in answers]
    limits = parsed(*(answer.headers for answer in answers))
    assert [limit["limit"] for limit in limits] == [CREATES] * 3, limits
    assert limits[0]["remaining"] == CREATES - 1, limits
    # A token may have come meanwhile.
    assert limits[2]["remaining"] in (CREATES - 3, CREATES - 2), limits
    for limit in limits:
        resets_within(limit, began, HOUR_SECONDS)


def test_a_used_up_quota_is_429_and_says_when_to_come_again(shortener: Client) -> None:
    began = time.monotonic()
    made = 0
    while (answer := shortener.create()).status_code == 201:
        made += 1
        assert made < MOST_CREATES, f"{made} links made, and none refused"
    came = (time.monotonic() - began) / CREATE_SECONDS
    assert answer.status_code == 429, (answer.status_code, answer.text)
    assert CREATES <= made <= CREATES + came + 1, (made, came)
    retry_after = int(answer.headers["Retry-After"])
    # The next token's, and no sooner.
    assert 1 <= retry_after <= CREATE_SECONDS, retry_after
    assert answer.headers["Content-Type"].split(";")[0] == "application/problem+json", answer.headers
    problem = answer.json()
    assert (problem["type"], problem["status"]) == ("/problems/rate-limited", 429), problem
    assert (problem["policy"], problem["dimension"]) == ("creates", "user"), problem
    assert problem["retry_after_seconds"] == retry_after, problem
    [limit] = parsed(answer.headers)
    assert (limit["limit"], limit["remaining"]) == (CREATES, 0), limit


def test_a_check_has_the_ietf_fields_if_its_policy_says_so(limiter: Client) -> None:
    policy = limiter.policy(ietf_fields=True)
    remaining = []
    for _ in range(CHECKS + 5):
        allowed, headers = limiter.check(policy)
        assert field(headers, "RateLimit-Policy", policy, "q", "w") == {"q": CHECKS, "w": 60}
        limit = field(headers, "RateLimit", policy, "r", "t")
        assert limit["r"] == int(headers["X-RateLimit-Remaining"]), headers
        assert limit["t"] <= 60, headers
        assert ("Retry-After" in headers) is not allowed, headers
        if not allowed:
            break
        remaining.append(limit["r"])
    assert not allowed, f"{len(remaining)} allowed"
    # A token that came meanwhile is one more.
    assert remaining[0] == CHECKS - 1, remaining
    assert all(after in (before - 1, before) for before, after in pairwise(remaining)), remaining
    retry_after = int(headers["Retry-After"])
    assert (limit["r"], 1 <= retry_after <= CHECK_SECONDS) == (0, True), headers
    # The draft: Retry-After is not earlier than the end of the effective window.
    assert limit["t"] <= retry_after, headers


def test_a_check_has_no_ietf_fields_unless_asked(limiter: Client) -> None:
    for more in ({}, {"ietf_fields": False}):
        policy = limiter.policy(**more)
        began = time.time()
        checks = [limiter.check(policy) for _ in range(2)]
        assert [allowed for allowed, _ in checks] == [True, True], checks
        answers = [headers for _, headers in checks]
        assert not [name for headers in answers for name in ("RateLimit", "RateLimit-Policy") if name in headers]
        limits = parsed(*answers)
        assert [limit["limit"] for limit in limits] == [CHECKS] * 2, limits
        assert limits[0]["remaining"] == CHECKS - 1, limits
        assert limits[1]["remaining"] in (CHECKS - 2, CHECKS - 1), limits
        for limit in limits:
            resets_within(limit, began, 60)
