"""What notifications sends, received by those who know nothing of it: http-ece (PyPI) reads pushes of browsers,
cryptography (PyPI) their sender's proof, standardwebhooks (PyPI) webhooks, Python's own email mails."""

import base64
import email
import email.policy
import json
import os
import random
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import http_ece
import pytest
import requests
from conftest import BROWSER, CALL_SECONDS, ENDPOINTS, Cloud, eventually, fresh
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from standardwebhooks import Webhook, WebhookVerificationError

DAY_SECONDS = 86_400
# How long a push service keeps what has no end.
FOUR_WEEKS_SECONDS = 28 * DAY_SECONDS
SCOPES = [
    *("notifications:send", "notifications:read", "users:read", "users:write"),
    *("templates:read", "templates:write", "links:read", "links:write"),
]


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass(frozen=True)
class Received:
    path: str
    # By names in lower case.
    headers: dict[str, str]
    body: bytes


class Receiver:
    """A push service and a receiver of webhooks. It answers 201, but 410 to what is sent to /gone…"""

    def __init__(self) -> None:
        self.received: list[Received] = []
        received = self.received

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                received.append(Received(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                self.send_response(410 if self.path.startswith("/gone") else 201)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.server.server_port}"

    def take(self, path: str, number: int = 1) -> Received:
        """The message of this number to this path."""

        def there() -> Received | None:
            found = [one for one in self.received if one.path == path]
            return found[number - 1] if len(found) >= number else None

        return eventually(f"message {number} to {path}", there)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    thread = threading.Thread(target=receiver.server.serve_forever, daemon=True)
    thread.start()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


class Tenant(requests.Session):
    """One tenant, nobody else's, and one user of his."""

    def __init__(self, cloud: Cloud) -> None:
        super().__init__()
        self.origin = cloud.origin("notifications")
        self.headers["X-Api-Key"] = cloud.key(fresh("teller"), SCOPES)
        self.user = fresh("user")

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        answer = self.request(method, f"{self.origin}{path}", json=body, timeout=CALL_SECONDS)
        assert answer.ok, (method, path, answer.status_code, answer.text)
        return answer.json()

    def address(self, **address: Any) -> dict[str, Any]:
        return dict(self.ask("POST", f"/users/{self.user}/addresses", address))

    def notify(self, channel: str, **more: Any) -> str:
        body = {"user_id": self.user, "type": "order_shipped", "channels": [channel], **more}
        if "template" not in body:
            body = {"title": "Größe „42“ 📦", "body": "Unterwegs — on its way", **body}
        return str(self.ask("POST", "/notifications", body)["notification_id"])

    def delivery(self, notification: str, *states: str) -> dict[str, Any]:
        """The one delivery of the notification, once it is in one of these states."""

        def there() -> dict[str, Any] | None:
            [delivery] = self.ask("GET", f"/notifications/{notification}")["deliveries"]
            return delivery if delivery["state"] in states else None

        return eventually(f"{notification} to be {' or '.join(states)}", there)


@pytest.fixture
def tenant(cloud: Cloud) -> Tenant:
    return Tenant(cloud)


class Browser:
    """A subscription, as a browser makes one."""

    def __init__(self, endpoint: str) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.auth = os.urandom(16)
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.subscription = {"endpoint": endpoint, "keys": {"p256dh": b64(point), "auth": b64(self.auth)}}

    def read(self, push: Received) -> Any:
        assert push.headers["content-encoding"] == "aes128gcm", push.headers
        plain = http_ece.decrypt(push.body, private_key=self.key, auth_secret=self.auth, version="aes128gcm")
        return json.loads(plain)


def proven(push: Received, public_key: str) -> dict[str, Any]:
    """The claims of the sender's token, which its key has signed (RFC 8292)."""
    scheme, _, rest = push.headers["authorization"].partition(" ")
    parameters = dict(parameter.strip().split("=", 1) for parameter in rest.split(","))
    assert (scheme, parameters["k"]) == ("vapid", public_key), push.headers
    signed, _, signature = parameters["t"].rpartition(".")
    header, _, claims = signed.partition(".")
    assert json.loads(unb64(header))["alg"] == "ES256"
    both = unb64(signature)
    assert len(both) == 64
    der = encode_dss_signature(int.from_bytes(both[:32], "big"), int.from_bytes(both[32:], "big"))
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unb64(public_key))
    key.verify(der, signed.encode(), ec.ECDSA(SHA256()))
    return dict(json.loads(unb64(claims)))


def test_a_browser_reads_its_push_and_its_service_knows_the_sender(tenant: Tenant, receiver: Receiver) -> None:
    public_key = requests.get(f"{tenant.origin}/web-push/key", timeout=CALL_SECONDS).json()["public_key"]
    browser, other = Browser(f"{receiver.origin}/push/1?a=b"), Browser(f"{receiver.origin}/push/other")
    address = tenant.address(channel="web_push", **browser.subscription)
    assert (address["channel"], address["state"]) == ("web_push", "active")
    notification = tenant.notify("web_push", priority="high", collapse_key="order-7", data={"order": 7})
    push = receiver.take("/push/1?a=b")
    assert browser.read(push) == {
        "notification_id": notification,
        "type": "order_shipped",
        "title": "Größe „42“ 📦",
        "body": "Unterwegs — on its way",
        "data": {"order": 7},
    }
    with pytest.raises(http_ece.ECEException):
        other.read(push)
    claims = proven(push, public_key)
    assert claims["aud"] == receiver.origin
    assert 0 < claims["exp"] - time.time() <= DAY_SECONDS
    assert claims["sub"].startswith("mailto:")
    # RFC 8030: how long it is kept, how soon it is needed, what it takes the place of.
    assert int(push.headers["ttl"]) == FOUR_WEEKS_SECONDS
    assert push.headers["urgency"] == "high"
    assert re.fullmatch("[A-Za-z0-9_-]{1,32}", push.headers["topic"])
    delivery = tenant.delivery(notification, "sent")
    assert (delivery["provider"], delivery["attempts"]) == ("web-push", 1)


def test_a_subscription_that_ended_is_used_no_more(tenant: Tenant, receiver: Receiver) -> None:
    ended = tenant.address(channel="web_push", **Browser(f"{receiver.origin}/gone/1").subscription)
    notification = tenant.notify("web_push")
    receiver.take("/gone/1")
    assert tenant.delivery(notification, "failed", "bounced")["attempts"] == 1
    [address] = tenant.ask("GET", f"/users/{tenant.user}/addresses")["items"]
    assert (address["address_id"], address["state"]) == (ended["address_id"], "gone")
    tenant.delivery(tenant.notify("web_push"), "skipped")
    assert len(receiver.received) == 1


def verified(webhook: Received, *secrets: str) -> Any:
    """The body of a webhook that each of the secrets has signed, and no other."""
    with pytest.raises(WebhookVerificationError):
        Webhook(f"whsec_{base64.b64encode(os.urandom(24)).decode()}").verify(webhook.body, webhook.headers)
    bodies = [Webhook(secret).verify(webhook.body, webhook.headers) for secret in secrets]
    assert all(body == bodies[0] for body in bodies)
    return bodies[0]


def test_a_webhook_is_signed_with_its_secret_and_after_a_rotation_with_both(tenant: Tenant, receiver: Receiver) -> None:
    hook = tenant.address(channel="webhook", url=f"{receiver.origin}/hook")
    first = tenant.notify("webhook", data={"order": 7})
    webhook = receiver.take("/hook")
    body = verified(webhook, hook["secret"])
    assert webhook.headers["content-type"] == "application/json"
    assert (body["type"], body["data"]["notification_id"]) == ("order_shipped", first)
    assert (body["data"]["user_id"], body["data"]["title"]) == (tenant.user, "Größe „42“ 📦")
    assert body["data"]["data"] == {"order": 7}
    assert tenant.delivery(first, "delivered")["provider"] == "webhook"
    rotated = tenant.ask("POST", f"/users/{tenant.user}/addresses/{hook['address_id']}/secret")
    assert rotated["secret"] != hook["secret"]
    second = tenant.notify("webhook")
    again = receiver.take("/hook", 2)
    assert verified(again, hook["secret"], rotated["secret"])["data"]["notification_id"] == second
    assert again.headers["webhook-id"] != webhook.headers["webhook-id"]
    # What was changed on its way is refused.
    with pytest.raises(WebhookVerificationError):
        Webhook(rotated["secret"]).verify(again.body + b" ", again.headers)


def mail(delivery: dict[str, Any]) -> EmailMessage:
    """The mail as it was handed to SES."""
    path = Path(os.environ["ALMANAC_MAILS"], f"{delivery['provider_id']}.eml")
    parsed = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert not parsed.defects, parsed.defects
    assert not [part.defects for part in parsed.walk() if part.defects]
    return parsed


def test_a_mail_has_its_headers_and_both_bodies_and_one_click_ends_such_mails(tenant: Tenant) -> None:
    template = fresh("shipped")
    words = {
        "title": "Shipped",
        "body": "On its way",
        "email": {
            "subject": "Paket für {{ name }} – „unterwegs“ 📦 mit einem Betreff, der länger als eine Zeile ist",
            "html": "<h1>Grüße, {{ name }}</h1>",
            "text": "Grüße, {{ name }}\n.\nFrom here",
        },
    }
    tenant.ask("PUT", f"/templates/{template}", {"default_locale": "de", "locales": {"de": words}})
    to = f"{fresh('ada')}@example.com"
    tenant.address(channel="email", email=to, verified=True)
    name = "Ada <Ł>"
    notification = tenant.notify("email", template=template, payload={"name": name})
    delivery = tenant.delivery(notification, "sent", "delivered")
    parsed = mail(delivery)
    assert [address.addr_spec for address in parsed["To"].addresses] == [to]
    [sender] = parsed["From"].addresses
    assert (sender.display_name, sender.addr_spec) == ("Almanac", "notifications@example.com")
    assert parsed["Subject"] == words["email"]["subject"].replace("{{ name }}", name)
    assert abs(parsedate_to_datetime(parsed["Date"]).timestamp() - time.time()) < 120
    assert parsed["Message-ID"].startswith(f"<{notification}.")
    assert parsed["Auto-Submitted"] == "auto-generated"
    assert parsed.get_content_type() == "multipart/alternative"
    plain, html = parsed.iter_parts()
    assert (plain.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert plain.get_content().replace("\r\n", "\n").rstrip("\n") == f"Grüße, {name}\n.\nFrom here"
    assert html.get_content().strip() == "<h1>Grüße, Ada &lt;Ł&gt;</h1>"

    # RFC 8058: a mail client posts this, without cookies, and follows no redirect.
    assert parsed["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = str(parsed["List-Unsubscribe"]).strip()
    assert (link[0], link[-1]) == ("<", ">"), link
    link = link[1:-1]
    assert urlsplit(link).path.startswith("/"), link

    def wishes() -> Any:
        return tenant.ask("GET", f"/users/{tenant.user}/preferences").get("types", {})

    # A scanner of mails looks at it, and nothing changes.
    looked = requests.get(link, headers=BROWSER, allow_redirects=False, timeout=CALL_SECONDS)
    assert (looked.status_code, wishes()) == (200, {}), looked.text
    assert "order_shipped" in looked.text
    click = {"List-Unsubscribe": "One-Click"}
    clicked = requests.post(link, data=click, allow_redirects=False, timeout=CALL_SECONDS)
    assert clicked.status_code == 200, (clicked.status_code, clicked.text)
    assert wishes()["order_shipped"]["channels"] == {"email": False}
    skipped = tenant.delivery(tenant.notify("email"), "skipped")
    assert skipped["reason"] == "opted-out-type-channel"
    forged = requests.post(f"{link[:-1]}{'A' if link[-1] != 'A' else 'B'}", timeout=CALL_SECONDS)
    assert forged.status_code == 404, forged.text


def test_a_mailbox_is_used_once_its_owner_confirmed_it(tenant: Tenant) -> None:
    to = f"{fresh('ada')}@example.com"
    assert tenant.address(channel="email", email=to)["state"] == "unverified"
    sent = requests.get(ENDPOINTS["mail"], timeout=CALL_SECONDS).json()["messages"]
    [asked] = [mail for mails in sent.values() for mail in mails if mail["To"] == [to]]
    link = re.findall(r"https?://\S+/verify/\S+", asked["BodyText"])[0]

    def state() -> str:
        [address] = tenant.ask("GET", f"/users/{tenant.user}/addresses")["items"]
        return str(address["state"])

    looked = requests.get(link, headers=BROWSER, timeout=CALL_SECONDS)
    assert (looked.status_code, state()) == (200, "unverified")
    confirmed = requests.post(link, timeout=CALL_SECONDS)
    assert (confirmed.status_code, state()) == (200, "active")


def test_a_text_message_arrives_and_countries_that_are_not_allowed_are_refused(tenant: Tenant) -> None:
    phone = f"+1415555{random.SystemRandom().randrange(10_000):04}"
    tenant.address(channel="sms", phone=phone)
    tenant.delivery(tenant.notify("sms"), "sent")
    answer = requests.get(
        f"{os.environ['AWS_ENDPOINT_URL']}/_ministack/sns/sms-messages",
        params={"phoneNumber": phone},
        timeout=CALL_SECONDS,
    )
    texts = [message for messages in answer.json()["sms_messages"].values() for message in messages]
    assert "Größe „42“ 📦: Unterwegs — on its way" in json.dumps(texts, ensure_ascii=False), texts
    assert len(texts) == 1, texts
    premium = {"channel": "sms", "phone": "+19005550100"}
    refused = tenant.post(f"{tenant.origin}/users/{tenant.user}/addresses", json=premium, timeout=CALL_SECONDS)
    assert refused.status_code == 422, refused.text


def test_who_owns_a_link_is_told_when_it_is_used_up(cloud: Cloud, tenant: Tenant) -> None:
    origin, code = cloud.origin("url-shortener"), fresh("few")
    body = {"url": "https://a.example/", "code": code, "max_clicks": 1}
    made = tenant.post(f"{origin}/links", json=body, timeout=CALL_SECONDS)
    assert made.status_code == 201, made.text
    opened = requests.get(f"{origin}/{code}", headers=BROWSER, allow_redirects=False, timeout=CALL_SECONDS)
    assert opened.status_code == 302, opened.text

    def told() -> dict[str, Any] | None:
        items = tenant.ask("GET", "/users/account/inbox")["items"]
        return items[0] if items else None

    item = eventually("the inbox of the tenant's own account", told)
    assert (item["type"], item["title"]) == ("link_used_up", "A link is used up")
    assert item["data"] == {"code": code, "used_clicks": 1}
