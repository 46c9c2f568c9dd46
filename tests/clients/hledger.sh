#!/usr/bin/env bash
# Makes hledger the program $1: the machine's own, or Debian's and Ubuntu's package, unpacked and not installed.
set -euo pipefail
program=$1
if command -v hledger >/dev/null; then
    ln -s "$(command -v hledger)" "$program"
    exit
fi
command -v apt-get >/dev/null || { echo "hledger is missing: install it (https://hledger.org/install.html)" >&2; exit 1; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
fetch() { apt-get download --quiet hledger >/dev/null 2>&1; }
# Without lists of packages there is nothing to find; to fetch them takes an administrator.
fetch || { apt-get update --quiet >/dev/null 2>&1 && fetch; } || { echo "hledger is missing: apt-get install hledger" >&2; exit 1; }
dpkg-deb --extract hledger_*.deb unpacked
cp unpacked/usr/bin/hledger "$program"
