# Two commands matter: `make serve` and `make test`. Both install what they need first (Debian), say what is missing
# elsewhere, and build.

SHELL := /bin/bash
SWIFT ?= swift
JOBS ?= $(shell nproc)
CONFIGURATION ?= release
SCRATCH ?= .build

# Needed to build; then what the demo and `make lint` use.
PACKAGES := libssl-dev libuv1-dev libopus-dev zlib1g-dev libsqlite3-dev pkg-config clang-format asterisk-core-sounds-en-wav
C_WARNINGS := -Wall -Wextra -Wconversion -Wshadow -Werror
C_SOURCES := $(wildcard CSources/CTrunk/*.[ch] CSources/CTrunk/include/*.h Benchmarks/CBench/*.[ch] Benchmarks/CBench/include/*.h \
	Tests/Fuzz/*.[ch] Tests/Conformance/*.c)
JS_SOURCES := $(wildcard Sources/CallServer/Resources/web/*/js/*.js)
SWIFT_SOURCES := Package.swift Sources Tests Benchmarks Examples

.PHONY: setup build serve demo selftest test test-without-opus sanitize simulate conformance fuzz fuzz-long coverage \
	bench server-load soak soak-long churn churn-long faults dashboard-test dashboard-mock talk-test talk-mock lint format clean

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

# All tests with the default traits; `make test-without-opus` builds and tests without libopus. Several runs: what only
# computes; servers; calls in real time; those whose positions in time are measured, alone; hostile peers; what loads the
# machine. RERUNS=1 runs a group that failed once more, for machines that others use too: what fails twice is broken.
SERVER_TESTS := CallServerTests|WebServerTests|OutboundHTTPTests
RERUNS ?= 0
GROUP = $(SWIFT) test --skip-build --scratch-path $(SCRATCH)
group = $(GROUP) $(1) || { [ $(RERUNS) -gt 0 ] && echo "make: a test failed, once more: $(subst ',,$(1))" && $(GROUP) $(1); }
test: setup
	$(SWIFT) build --build-tests -j $(JOBS) --scratch-path $(SCRATCH)
	$(call group,--skip 'CallBridgeTests|HostileTests|$(SERVER_TESTS)')
	$(call group,--filter '$(SERVER_TESTS)' --skip LoadTests)
	$(call group,--filter CallBridgeTests --skip 'LoadTests|TruncationTests')
	$(call group,--filter TruncationTests)
	$(call group,--filter '^HostileTests\.' --skip PressureTests)
	$(call group,--no-parallel --filter '^HostileTests\..*PressureTests')
	$(call group,--no-parallel --filter LoadTests)

# In the same folder as the default build: what does not depend on the trait is built once.
test-without-opus: setup
	$(SWIFT) build --build-tests --disable-default-traits -j $(JOBS) --scratch-path $(SCRATCH)
	$(SWIFT) test --skip-build --disable-default-traits --scratch-path $(SCRATCH) --filter 'CTrunkTests|TrunkTests'

# The core under memory shortage; the tests of core, boundary and hostile input, and a hundred calls, under Address
# Sanitizer with UBSan and leaks, then under Thread Sanitizer. PARTS="shortage address thread" chooses.
sanitize: setup
	scripts/sanitize.sh $(PARTS)

# A million simulated calls of the policy; CALLS and SEED choose others.
simulate:
	TRUNKLINE_SIMULATED_CALLS=$(or $(CALLS),1000000) TRUNKLINE_SEED=$(or $(SEED),1) \
		$(SWIFT) test -c release -Xswiftc -enable-testing -j $(JOBS) --scratch-path $(SCRATCH)-simulate \
		--filter CallSimulationTests

# WebSocket conformance by Autobahn|Testsuite in both roles. RUNS: tcp (the default), tls, one-byte (takes a while),
# compression; "all" is all of them. Needs the suite's kit in ../shared/autobahn.
conformance: setup
	$(SWIFT) build -c release --product conformance-peer -j $(JOBS) --scratch-path $(SCRATCH)
	@scripts/conformance.sh $(SCRATCH)/release/conformance-peer \
		$(if $(filter all,$(RUNS)),tcp tls one-byte compression,$(or $(RUNS),tcp))

# libFuzzer on the C core, SECONDS=60 for each target; TARGETS="ws core" chooses. `make fuzz-long` runs each for
# SECONDS=3600. A finding's input is kept in .build-fuzz/findings.
fuzz: setup
	scripts/fuzz.sh $(or $(SECONDS),60) $(TARGETS)

fuzz-long: setup
	scripts/fuzz.sh $(or $(SECONDS),3600) $(TARGETS)

# Lines of the C codecs that the fuzz corpora reach, and what the last `make fuzz` found; less than 95 % fails.
coverage: setup
	scripts/coverage.sh 95

# The throughput benchmark: 250 calls with TLS beside the floor, three rounds. ARGS="--calls 100 --report page.html" and
# others: `bench-relay --help`.
bench: setup
	$(SWIFT) run -c release --scratch-path $(SCRATCH) bench-relay $(or $(ARGS),--floor --pairs 3)

# The whole server beside the bare relay, with records, recordings and people who watch.
server-load: setup
	$(SWIFT) build -c release --product bench-relay -j $(JOBS) --scratch-path $(SCRATCH)
	$(SWIFT) build -c release --product trunkline -j $(JOBS) --scratch-path $(SCRATCH)
	python3 Benchmarks/server_load.py $(SCRATCH)/release records
	python3 Benchmarks/server_load.py $(SCRATCH)/release viewers

# Endurance, each in a short form and a long one; RESULTS=docs/RESULTS.md appends what was found to that file.
BENCH = $(SWIFT) build -c release --product bench-relay -j $(JOBS) --scratch-path $(SCRATCH) && $(SCRATCH)/release/bench-relay
KEPT = $(if $(RESULTS),--results $(RESULTS) --commit $$(git rev-parse --short HEAD))

# Many calls for long: nothing lost, memory flat.
soak: setup
	$(BENCH) soak --calls 100 --seconds 60 $(KEPT)

soak-long: setup
	$(BENCH) soak --calls 500 --seconds 3600 $(KEPT)

# Calls that come and go, twice on one relay: everything is given back, and the second load needs at most GROWTH=2 % more.
churn: setup
	$(BENCH) churn --rate 20 --call-seconds 10 --seconds 30 --growth $(or $(GROWTH),2) $(KEPT)

churn-long: setup
	$(BENCH) churn --rate 50 --call-seconds 10 --seconds 600 $(KEPT)

# A network that delays, throttles, cuts, resets, half-closes, corrupts and falls silent; a model that is killed under 300
# calls and comes back: all talk again WITHIN 3000 ms.
faults: setup
	$(BENCH) faults --within $(or $(WITHIN),3000) $(KEPT)

# The dashboard in Chromium against its mock server: every view, accessibility, hostile texts. ARGS="-k history" chooses;
# TRUNKLINE_URL and TRUNKLINE_TOKEN test a server that runs instead.
dashboard-test:
	@scripts/browser-test.sh Dashboard $(ARGS)

# The dashboard with calls that play by themselves, to look at: http://127.0.0.1:5055/dashboard
dashboard-mock:
	$(or $(PYTHON),python3) Tests/Dashboard/mock_server.py --port $(or $(PORT),5055) --open

# The page /talk in Chromium with a fake microphone: what is said reaches the server, what it answers is heard, and what can
# be in the way. ARGS and TRUNKLINE_URL as above.
talk-test:
	@scripts/browser-test.sh Talk $(ARGS)

# The page with a parrot, to try with a microphone: http://127.0.0.1:5056/talk
talk-mock:
	$(or $(PYTHON),python3) Tests/Talk/mock_server.py --port $(or $(PORT),5056)

# Formatting as settled, our C without one warning, and no document that names a test which does not exist.
lint: setup
	clang-format --dry-run --Werror $(C_SOURCES) $(JS_SOURCES)
	$(SWIFT) format lint --strict --recursive --parallel --configuration .swift-format $(SWIFT_SOURCES)
	scripts/check-docs.sh
	for file in CSources/CTrunk/*.c Benchmarks/CBench/*.c Tests/Fuzz/*.c Tests/Conformance/*.c; do \
		clang -std=c17 -D_GNU_SOURCE -O1 $(C_WARNINGS) -ICSources/CTrunk -ICSources/CTrunk/include -IBenchmarks/CBench/include \
			$$(pkg-config --cflags libuv openssl) -c "$$file" -o /dev/null || exit 1; \
	done

format:
	clang-format -i $(C_SOURCES) $(JS_SOURCES)
	$(SWIFT) format --in-place --recursive --parallel --configuration .swift-format $(SWIFT_SOURCES)

clean:
	rm -rf $(SCRATCH) $(SCRATCH)-*
