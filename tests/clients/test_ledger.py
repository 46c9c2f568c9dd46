"""The books as others read them: hledger (Debian) and Beancount (PyPI) check the journal and add it up."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests
from beancount import loader
from beancount.core import amount, data, realization
from beancount.core.number import D
from conftest import CALL_SECONDS, Cloud, fresh

HLEDGER = Path(__file__).parents[2] / ".local/clients/bin/hledger"
# Nobody writes meanwhile, so what is a second old is all there.
NOW = datetime.now(UTC).replace(microsecond=0, tzinfo=None)
SPAN = f"from={(NOW - timedelta(days=40)).isoformat()}Z&until={(NOW + timedelta(days=1)).isoformat()}Z"


class Books(requests.Session):
    """A tenant's."""

    def __init__(self, cloud: Cloud) -> None:
        super().__init__()
        self.origin = cloud.origin("ledger")
        self.headers["X-Api-Key"] = cloud.key(fresh("books"), ["ledger:read", "ledger:write"])

    def post_json(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self.post(f"{self.origin}{path}", json=body, timeout=CALL_SECONDS)
        assert answer.status_code in (200, 201), answer.text
        return dict(answer.json())

    def open(self, account: str, kind: str, currency: str) -> None:
        body = {"account_id": account, "type": kind, "currency": currency, "may_go_negative": True, "shards": 4}
        self.post_json("/accounts", body)

    def move(self, name: str, debit: str, credit: str, minor: int, currency: str, **more: Any) -> None:
        entries = [
            {"account_id": account, "side": side, "amount_minor": minor, "currency": currency}
            for account, side in ((debit, "debit"), (credit, "credit"))
        ]
        self.post_json("/transactions", {"transaction_id": name, "entries": entries, **more})

    def export(self, style: str) -> str:
        """All pages."""
        text, url = "", f"{self.origin}/ledger/export?format={style}&{SPAN}&limit=3"
        while url:
            page = self.get(url, timeout=CALL_SECONDS)
            assert page.status_code == 200, page.text
            text += page.text
            link = page.links.get("next", {}).get("url")
            url = f"{self.origin}/ledger/export{link}" if link else ""
        return text


def books(cloud: Cloud) -> Books:
    """Currencies of 2, 0 and 3 places, a fee, a part of a hold, a reversal, and words with each format's signs."""
    books = Books(cloud)
    for currency in ("eur", "jpy", "bhd"):
        books.open(f"bank:{currency}", "asset", currency.upper())
        books.open(f"sales:{currency}", "income", currency.upper())
    books.open("fees:card-eu", "expense", "EUR")
    books.move("s1", "bank:eur", "sales:eur", 123456, "EUR", description='A "sale"; of | many \\ (things)')
    books.move("s2", "bank:jpy", "sales:jpy", 500, "JPY", description="; only a comment?")
    books.move("s3", "bank:bhd", "sales:bhd", 1, "BHD")
    books.move("f1", "fees:card-eu", "bank:eur", 30, "EUR")
    books.move("h1", "bank:eur", "sales:eur", 1000, "EUR", pending=True)
    part = [
        {"account_id": account, "side": side, "amount_minor": 400, "currency": "EUR"}
        for account, side in (("bank:eur", "debit"), ("sales:eur", "credit"))
    ]
    books.post_json("/transactions/h1/post", {"entries": part})
    books.move("m1", "bank:eur", "sales:eur", 77, "EUR")
    books.post_json("/transactions/m1/reverse", {"description": "a mistake"})
    return books


def hledger(journal: Path, *arguments: str) -> str:
    command = [HLEDGER, "--file", journal, *arguments]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env={"LANG": "C.UTF-8"})
    assert run.returncode == 0, run.stderr + journal.read_text()
    return run.stdout


def test_hledger_finds_the_books_balanced(cloud: Cloud, tmp_path: Path) -> None:
    journal = tmp_path / "books.journal"
    journal.write_text(books(cloud).export("hledger"))
    # Strictly: accounts and commodities are declared, and each transaction balances.
    hledger(journal, "check", "--strict")
    lines = hledger(journal, "balance", "--flat", "--no-total", "--output-format=csv").splitlines()
    assert lines[1:] == [
        '"Assets:Bank:Bhd","0.001 BHD"',
        '"Assets:Bank:Eur","1238.26 EUR"',
        '"Assets:Bank:Jpy","500 JPY"',
        '"Expenses:Fees:Card-eu","0.30 EUR"',
        '"Income:Sales:Bhd","-0.001 BHD"',
        '"Income:Sales:Eur","-1238.56 EUR"',
        '"Income:Sales:Jpy","-500 JPY"',
    ], lines
    assert hledger(journal, "balance", "--flat").splitlines()[-1].strip() == "0"
    codes = hledger(journal, "codes").split()
    assert sorted(codes) == ["f1", "h1", "m1", "reversal-of:m1", "s1", "s2", "s3"]


def test_beancount_finds_the_books_balanced(cloud: Cloud) -> None:
    entries, errors, _ = loader.load_string(books(cloud).export("beancount"))
    assert not errors, errors
    transactions = [entry for entry in entries if isinstance(entry, data.Transaction)]
    assert len(transactions) == 7
    first = next(entry for entry in transactions if entry.meta["id"] == "s1")
    assert first.narration == 'A "sale"; of | many \\ (things)'
    root = realization.realize(entries)

    def of(account: str, currency: str) -> amount.Amount:
        return realization.get(root, account).balance.get_currency_units(currency)

    assert of("Assets:Bank:Eur", "EUR") == amount.Amount(D("1238.26"), "EUR")
    assert of("Assets:Bank:Jpy", "JPY") == amount.Amount(D("500"), "JPY")
    assert of("Income:Sales:Bhd", "BHD") == amount.Amount(D("-0.001"), "BHD")
    assert realization.compute_balance(root).is_empty()
