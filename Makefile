.PHONY: run test lint soak bench bench-quick sqlx messages pictures help

help:
	@echo 'make run    installs what is missing, builds, and serves Watchbell on this machine'
	@echo 'make test   installs what is missing, runs the tests'
	@echo 'make lint   formatting and lints'
	@echo 'make soak   the long tests'
	@echo 'make bench  loads and ratios; make bench-quick in under 3 minutes'
	@echo 'make messages  writes docs/messages.md: every message of every channel'
	@echo 'make pictures  draws the mails of docs/images anew'
	@echo 'make sqlx   checks every query against a fresh database and writes .sqlx'

# The local profile: addresses inside this network may be watched, and no canaries are asked.
run:
	@scripts/install run
	@test -x target/release/watchbell || echo 'Building Watchbell: about 10 minutes on two cores the first time.'
	@cargo build --quiet --release --locked -p app
	@WATCHBELL_EGRESS=$${WATCHBELL_EGRESS-self-hosted} WATCHBELL_CANARIES=$${WATCHBELL_CANARIES-} exec target/release/watchbell serve

test:
	@scripts/install test
	@cargo build --quiet --locked -p app
	@WATCHBELL_TEST_BINARY=$(CURDIR)/target/debug/watchbell scripts/with-postgres cargo nextest run --locked --workspace

lint:
	@scripts/install test
	cargo fmt --all --check
	cargo clippy --quiet --locked --workspace --all-targets

soak:
	@scripts/install soak
	@cargo build --quiet --locked -p app
	@WATCHBELL_TEST_BINARY=$(CURDIR)/target/debug/watchbell scripts/with-postgres cargo nextest run --locked --workspace --profile soak --run-ignored all

bench:
	@scripts/install run
	@cargo build --quiet --release --locked -p app -p bench
	@WATCHBELL_DURABLE=1 scripts/with-postgres target/release/bench

bench-quick:
	@scripts/install run
	@cargo build --quiet --release --locked -p app -p bench
	@WATCHBELL_DURABLE=1 scripts/with-postgres target/release/bench --quick

sqlx:
	@scripts/install run
	@scripts/with-postgres scripts/sqlx-prepare

# The test writes what it finds before it compares.
messages:
	@scripts/install test
	@cargo nextest run --locked --workspace -E 'package(notifier) and test(the_document_says_what_the_code_says)' >/dev/null 2>&1 || true
	@cp target/messages.md docs/messages.md

# From the snapshots of the mails; the pages in docs/images are screenshots.
pictures:
	@scripts/mail-pictures
