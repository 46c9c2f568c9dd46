# Every target is one line that calls something; `make` alone lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help run test prove bench budgets check lint fmt clippy deny templates tidy localcloud-tests new-system new-handler invoke url logs stop reset deploy need-cargo

PYTHON ?= python3
BIN    := .venv/bin
CLOUD  := $(BIN)/python shared/localcloud
XTASK  := cargo run --quiet --locked --package xtask --
DENY   := .local/tools/bin/cargo-deny
VENV   := .venv/.installed
SEEN   := $(CURDIR)/target/seen
CLIENTS := .local/clients/.installed
TEMPLATES := template.yaml $(wildcard functions/*/template.yaml) tests/probe/template.yaml

export SAM_CLI_TELEMETRY := 0
export PYTHONDONTWRITEBYTECODE := 1

need = @test -n "$($(1))" || { echo "make $@ needs $(1)=...  ($(2))" >&2; exit 2; }

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-34s %s\n", $$1 substr(" ", 1, 1) args($$2), what($$2) } function args(t) { return t ~ /^[A-Z]+=/ ? substr(t, 1, index(t, "  ") - 1) : "" } function what(t) { return t ~ /^[A-Z]+=/ ? substr(t, index(t, "  ") + 2) : t }' $(MAKEFILE_LIST)

run: $(VENV) need-cargo ## build, start the local cloud, deploy what changed, print the URLs
	@cargo build --workspace --bins --locked && $(CLOUD) up

test: check localcloud-tests $(CLIENTS) ## everything CI runs
	@cargo build --workspace --bins --locked && ALMANAC_SEEN=$(SEEN) $(CLOUD) test -- cargo test --workspace --locked
	@echo "== policies" && $(XTASK) policies $(SEEN)

budgets: $(VENV) need-cargo ## measure what operations cost, and write the tables in the READMEs
	@cargo build --workspace --bins --locked && ALMANAC_BUDGETS=write $(CLOUD) test -- cargo test --quiet --package tests --locked budgets::

prove: $(VENV) need-cargo ## SYSTEM=...  10,240 operations under all faults; one line of figures (SEED=... repeats it)
	$(call need,SYSTEM,a system of tests/src/prove/)
	@cargo build --workspace --bins --locked && SEED="$(SEED)" OPERATIONS="$(or $(OPERATIONS),10240)" $(CLOUD) test -- \
		cargo test --quiet --package tests --locked prove::$(subst -,_,$(SYSTEM)):: -- --nocapture && cat "target/prove/$(SYSTEM)"

bench: $(CLIENTS) need-cargo ## the rate limiter beside rate-limiter-flexible (npm), and the table in its README
	@cargo build --workspace --bins --locked && $(CLOUD) test -- cargo run --release --quiet --package bench-rate-limiter --locked

check: fmt clippy deny templates tidy ## fmt, clippy, licences and bans, templates, tidy

fmt: need-cargo
	@echo "== fmt" && cargo fmt --all --check

clippy: need-cargo
	@echo "== clippy" && cargo clippy --workspace --all-targets --locked -- -D warnings

deny: $(DENY)
	@echo "== deny" && $(DENY) --log-level error check bans licenses sources

templates: $(VENV)
	@echo "== templates" && for t in $(TEMPLATES); do AWS_DEFAULT_REGION=us-east-1 $(BIN)/sam validate --lint --template $$t || exit 1; done && $(BIN)/cfn-lint --regions us-east-1 -- $(TEMPLATES)

tidy: need-cargo
	@echo "== tidy" && $(XTASK) tidy

localcloud-tests: $(VENV)
	@echo "== localcloud" && $(BIN)/python -m unittest discover --quiet --start-directory shared/localcloud/tests --top-level-directory shared/localcloud

new-system: need-cargo ## NAME=...  scaffold a system
	$(call need,NAME,a kebab-case noun: make new-system NAME=url-shortener)
	@$(XTASK) new-system "$(NAME)"

new-handler: need-cargo ## SYSTEM=... NAME=...  scaffold a handler: its five files (ROUTE="GET /path" SCOPE=links:read)
	$(call need,SYSTEM,a folder of functions/)
	$(call need,NAME,verb_noun: make new-handler SYSTEM=url-shortener NAME=create_link)
	@$(XTASK) new-handler "$(SYSTEM)" "$(NAME)" $(if $(ROUTE),--http "$(ROUTE)") $(if $(SCOPE),--scope "$(SCOPE)")

invoke: $(VENV) ## FN=... EVENT=...  call a function of the local cloud
	$(call need,FN,system/handler: url-shortener/create_link)
	$(call need,EVENT,a file: events/url-shortener/create_link.json)
	@$(CLOUD) invoke "$(FN)" "$(EVENT)"

url: $(VENV) ## SYSTEM=...  print a system's URL
	$(call need,SYSTEM,a folder of functions/)
	@$(CLOUD) url "$(SYSTEM)"

logs: $(VENV) ## print the functions' logs and follow them; FN=system/handler for one function
	@$(CLOUD) logs --follow $(FN)

stop: $(VENV) ## stop the local cloud; its data stays
	@$(CLOUD) stop

reset: $(VENV) ## stop the local cloud and delete its data
	@$(CLOUD) reset

deploy: $(VENV) need-cargo ## STAGE=...  build for AWS (arm64) and deploy, asking before each change
	$(call need,STAGE,a stage of samconfig.toml)
	@PATH="$(CURDIR)/$(BIN):$$PATH" cargo-lambda lambda build --profile lambda --arm64 --workspace --exclude xtask --exclude probe --exclude bench-rate-limiter --bins --locked
	@$(BIN)/sam deploy --guided --template template.yaml --config-env "$(STAGE)"

need-cargo:
	@command -v cargo >/dev/null || { echo "cargo is missing: install it with rustup (https://rustup.rs)" >&2; exit 1; }
	@command -v cc >/dev/null || { echo "a C compiler is missing: install build-essential (Debian, Ubuntu) or the Xcode command line tools (macOS)" >&2; exit 1; }

$(VENV): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo "Python 3.11 or newer is missing (set PYTHON=... to point at one)" >&2; exit 1; }
	@echo "installing the tools into .venv (once; about a minute)"
	@rm -rf .venv && $(PYTHON) -m venv .venv || { echo "cannot make .venv: on Debian and Ubuntu, install python3-venv" >&2; exit 1; }
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement requirements.txt
	@touch $@

# Clients of the deployed systems that nobody here wrote, for `make test`. A world of their own: they share nothing with the tools.
# pip brings them Node too.
$(CLIENTS): tests/clients/requirements.txt tests/clients/package-lock.json tests/clients/hledger.sh | $(VENV)
	@echo "installing the clients into .local/clients (once; about a minute)"
	@rm -rf .local/clients && $(PYTHON) -m venv .local/clients
	@.local/clients/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement $<
	@mkdir .local/clients/node && cp tests/clients/{package*.json,.npmrc} .local/clients/node
	@tests/clients/hledger.sh "$(CURDIR)/.local/clients/bin/hledger"
	@.local/clients/bin/npm ci --prefix .local/clients/node >/dev/null
	@touch $@

# The locks are complete, so pip has nothing to resolve (--no-deps), and needs no network beyond the listed files.
$(DENY):
	@echo "building cargo-deny into .local/tools (once; a few minutes)"
	@cargo install cargo-deny --quiet --locked --version 0.20.2 --root .local/tools
