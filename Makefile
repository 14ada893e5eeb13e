# Two commands matter: `make serve` and `make test`. Both install what they need first (Debian), say what is missing
# elsewhere, and build.

SHELL := /bin/bash
SWIFT ?= swift
JOBS ?= $(shell nproc)
CONFIGURATION ?= release
SCRATCH ?= .build

# Needed to build; then what the demo and `make lint` use.
PACKAGES := libssl-dev libuv1-dev libopus-dev pkg-config clang-format asterisk-core-sounds-en-wav
C_WARNINGS := -Wall -Wextra -Wconversion -Wshadow -Werror
C_SOURCES := $(wildcard CSources/CTrunk/*.[ch] CSources/CTrunk/include/*.h Benchmarks/CBench/*.[ch] Benchmarks/CBench/include/*.h \
	Tests/Fuzz/*.[ch])
SWIFT_SOURCES := Package.swift Sources Tests Benchmarks

.PHONY: setup build serve demo selftest test test-without-opus test-sanitized simulate conformance fuzz fuzz-long coverage \
	lint format clean

setup:
	@scripts/setup.sh $(PACKAGES)

build: setup
	$(SWIFT) build -c $(CONFIGURATION) --product trunkline -j $(JOBS) --scratch-path $(SCRATCH)

# Takes calls on port 5050 (PORT), with a built-in parrot when OPENAI_API_KEY is not set.
serve: build
	$(SCRATCH)/$(CONFIGURATION)/trunkline serve

# One call on this machine, with a timeline and demo-call.wav. WAV=file.wav says your own words.
demo: build
	$(SCRATCH)/$(CONFIGURATION)/trunkline demo $(if $(WAV),--wav "$(WAV)")

# CALLS=100 calls at once for SECONDS=20 s each; counts every frame.
selftest: build
	$(SCRATCH)/$(CONFIGURATION)/trunkline selftest --calls $(or $(CALLS),100) --seconds $(or $(SECONDS),20)

# All tests with the default traits; `make test-without-opus` builds and tests without libopus. Four runs: what only
# computes; calls in real time, whose positions in time are measured; hostile peers, who take what time they can get; and
# the one that loads the machine.
test: setup
	$(SWIFT) build --build-tests -j $(JOBS) --scratch-path $(SCRATCH)
	$(SWIFT) test --skip-build --scratch-path $(SCRATCH) --skip 'CallBridgeTests|HostileTests'
	$(SWIFT) test --skip-build --scratch-path $(SCRATCH) --filter CallBridgeTests --skip LoadTests
	$(SWIFT) test --skip-build --scratch-path $(SCRATCH) --filter HostileTests
	$(SWIFT) test --skip-build --scratch-path $(SCRATCH) --filter LoadTests

test-without-opus: setup
	$(SWIFT) build --build-tests --disable-default-traits -j $(JOBS) --scratch-path $(SCRATCH)-without-opus
	$(SWIFT) test --skip-build --disable-default-traits --scratch-path $(SCRATCH)-without-opus --filter 'CTrunkTests|TrunkTests'

# TrunkTests and CTrunkTests under SANITIZER=thread or address.
test-sanitized: setup
	SWIFT_BACKTRACE=enable=no $(SWIFT) test --sanitize=$(or $(SANITIZER),address) -Xswiftc -use-ld=lld -j $(JOBS) \
		--scratch-path $(SCRATCH)-$(or $(SANITIZER),address) --filter 'CTrunkTests|TrunkTests'

# A million simulated calls of the policy; CALLS and SEED choose others.
simulate:
	TRUNKLINE_SIMULATED_CALLS=$(or $(CALLS),1000000) TRUNKLINE_SEED=$(or $(SEED),1) \
		$(SWIFT) test -c release -Xswiftc -enable-testing -j $(JOBS) --scratch-path $(SCRATCH)-simulate \
		--filter CallSimulationTests

# WebSocket conformance by Autobahn|Testsuite: both roles, over TCP and, with TLS=1, over TLS too. Needs the suite's kit
# in ../shared/autobahn.
conformance: setup
	$(SWIFT) build -c release --product conformance-peer -j $(JOBS) --scratch-path $(SCRATCH)
	@scripts/conformance.sh $(SCRATCH)/release/conformance-peer $(TLS)

# libFuzzer on the C core, SECONDS=60 for each target; TARGETS="ws core" chooses. `make fuzz-long` runs each for
# SECONDS=3600. A finding's input is kept in .build-fuzz/findings.
fuzz: setup
	scripts/fuzz.sh $(or $(SECONDS),60) $(TARGETS)

fuzz-long: setup
	scripts/fuzz.sh $(or $(SECONDS),3600) $(TARGETS)

# Lines of the C codecs that the fuzz corpora reach, and what the last `make fuzz` found; less than 95 % fails.
coverage: setup
	scripts/coverage.sh 95

# Formatting as settled, and our C without one warning.
lint: setup
	clang-format --dry-run --Werror $(C_SOURCES)
	$(SWIFT) format lint --strict --recursive --parallel --configuration .swift-format $(SWIFT_SOURCES)
	for file in CSources/CTrunk/*.c Benchmarks/CBench/*.c Tests/Fuzz/*.c; do \
		clang -std=c17 -D_GNU_SOURCE -O1 $(C_WARNINGS) -ICSources/CTrunk -ICSources/CTrunk/include -IBenchmarks/CBench/include \
			$$(pkg-config --cflags libuv openssl) -c "$$file" -o /dev/null || exit 1; \
	done

format:
	clang-format -i $(C_SOURCES)
	$(SWIFT) format --in-place --recursive --parallel --configuration .swift-format $(SWIFT_SOURCES)

clean:
	rm -rf $(SCRATCH) $(SCRATCH)-*
