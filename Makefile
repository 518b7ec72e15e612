# The whole of building and testing. `make` alone shows the targets.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

GO ?= go
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
# Executions of each fuzz target, not seconds: the same work on every machine. A million
# each are run by: make proof CASE=R-50
FUZZ_SHORT := 5000x

# A test whose tool is missing fails instead of being skipped.
export TOKENWRIGHT_TEST_ALL := 1

# With the race detector SQLite takes four times as long and finds nothing: its C was turned
# into Go as it was, and its memory is not Go's. The driver around it is looked at. The library
# of OpenAPI takes two minutes to compile if its functions are put into each other, else one.
# go test needs no go vet: lint has run it.
TESTFLAGS := -vet=off -gcflags=modernc.org/sqlite/lib=-race=false -gcflags=modernc.org/libc=-race=false '-gcflags=github.com/pb33f/...=-race=false -l'
GIVEN := $(strip $(subst $(TESTFLAGS),,$(GOFLAGS)))
export GOFLAGS := $(GIVEN) $(TESTFLAGS)
build dist: export GOFLAGS := $(GIVEN)

# What has no race detector is compiled as deploy/dist compiles a release, by the tests (test/harness)
# and the benchmark as well: each other set of flags would compile all of SQLite once more.
RELEASED := CGO_ENABLED=0 GOFLAGS="$(GIVEN) -trimpath"

.PHONY: help build dist test tools programs lint unit narrow rounds fuzz-short e2e bench-test runbooks mutants proof bench keep-release

help: ## show the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build bin/tokenwright
	$(GO) build -trimpath -ldflags "-s -w" -o bin/tokenwright ./cmd/tokenwright

# Some minutes at first, for each platform is compiled anew. PLATFORMS="linux/amd64" for one.
dist: ## make a release: archives, Debian packages, SBOMs and checksums in dist
	deploy/dist $(PLATFORMS)

test: tools ## run every test, with the race detector
	$(MAKE) --no-print-directory lint
	$(MAKE) --no-print-directory unit
	$(MAKE) --no-print-directory narrow
	$(MAKE) --no-print-directory -j2 rounds fuzz-short
	$(MAKE) --no-print-directory e2e
	$(MAKE) --no-print-directory bench-test

tools: $(patsubst %,%/node_modules/.package-lock.json,test/interop test/browser bench/peers/oidc-provider) ## install what the tests need and is missing (Debian)

# Quick where all is there: npm runs only after a lock file has changed.
%/node_modules/.package-lock.json: %/package-lock.json | programs
	cd $* && npm ci --no-audit --no-fund --ignore-scripts
	@touch $@

programs:
	@test/install-tools

# Both compile what the looked-at packages need: of the tests and of the benchmark with the
# flags that these are run with, so that it is compiled once.
lint: ## check format, go vet and staticcheck in every module
	@unformatted=$$(gofmt -l .); \
	if [[ -n $$unformatted ]]; then echo "gofmt -w these files:"; echo "$$unformatted"; exit 1; fi
	GOBIN=$(CURDIR)/bin $(RELEASED) $(GO) install $(STATICCHECK)
	$(RELEASED) $(GO) vet ./... && $(RELEASED) bin/staticcheck ./...
	cd test && $(GO) vet -race ./... && GOFLAGS="$$GOFLAGS -race" ../bin/staticcheck ./...
	cd bench && $(GO) vet -race ./... && GOFLAGS="$$GOFLAGS -race" ../bin/staticcheck ./...

unit: ## run the tests of the main module
	$(GO) test -race ./internal/store ./cmd/... ./internal/authority ./...

# All of it is compiled, the tests too, and a little is run: where an int has 32 bits, half of
# all hashes are negative as one. 386 runs on amd64; elsewhere compiling has to do.
PUBLIC := . ./oauth2source ./verify ./tokenwrighttest ./admin ./internal/ratelimit
narrow: ## see what others import work where an int has 32 bits
	CGO_ENABLED=0 GOARCH=386 GOFLAGS="$(GIVEN)" $(GO) vet $(PUBLIC)
	[[ $$($(GO) env GOHOSTARCH) != amd64 ]] || CGO_ENABLED=0 GOARCH=386 GOFLAGS="$(GIVEN)" $(GO) test -vet=off -run 'Cache|ACellThatIsFull|Example' $(PUBLIC)

# Without the race detector, which has looked at a few of them.
rounds: ## run the tests of many rounds and trials
	$(RELEASED) $(GO) test -vet=off -run 'Concurrent|NothingIsAlive' ./internal/authority

# -count=1: what these tests test is a binary, whose changes the test cache does not see.
# Some hold that a change acts within a second, or let the worst happen: these run for
# themselves, the others beside each other, the longest first, here as above: so none is
# left to run alone at the end.
ALONE := e2e|faults|attacks
LONG := browser docs examples upgrade observe restore dist load model
e2e: tools ## run the end-to-end tests
	cd test && $(GO) list $(addprefix ./,$(LONG)) ./... | grep -vE '/($(ALONE))$$' | xargs $(GO) test -race -count=1 -p 2
	cd test && $(GO) list ./... | grep -E '/($(ALONE))$$' | xargs $(GO) test -race -count=1 -p 1

# Holds that the benchmark measures; how fast anything is, it does not judge. A
# benchmark that waits for ever is not ended by go test.
bench-test: tools ## run the tests of the benchmark, and every Go benchmark once
	grep -rl --include='*_test.go' --exclude-dir=test --exclude-dir=bench '^func Benchmark' . | xargs -n1 dirname | sort -u \
		| xargs env $(RELEASED) timeout 10m $(GO) test -vet=off -run '^$$' -bench . -benchtime 1x | grep -v '^\(Benchmark\|goos\|goarch\|pkg\|cpu\|PASS\|?\)'
	cd bench && $(GO) test -race -count=1 ./...

# make test tries them too, but for one, with the windows of the alerts cut short.
runbooks: tools ## bring about what each alert is for, and end it as its runbook says, for about 8 minutes
	cd test && $(GO) test -race -count=1 -v -timeout 1h -run EveryRunbookWasTried ./observe -full

# One rule with CASE=R-11, several with CASE="R-11 R-12"; loads of a tenth of their time with
# TIME=0.1. Figures are judged: the machine should have nothing else to do, and partitions and
# file systems want root.
proof: tools ## let the worst happen to servers, nodes, databases and disks, for hours (docs: Proof)
	cd test && $(GO) run ./proof $(if $(TIME),-time $(TIME)) $(CASE)

# One package with ONLY=internal/jose, some of all mutants with SAMPLE=20.
mutants: ## see whether the tests find what is changed in the rules, for about half an hour (R-54)
	cd test && $(GO) run ./mutants -only "$(ONLY)" -sample $(or $(SAMPLE),0)

# About an hour, on a machine that has nothing else to do. BENCH= takes flags, as in
# BENCH="-only tokens,start"; BENCH=-h shows them. A figure that misses its bar is no failure.
bench: tools ## measure speed and size beside other programs (bench/results, and the page that tells them)
	cd bench && $(GO) run . $(BENCH)
	cd bench && $(GO) test -count=1 -run ThePageSays . -update

# A step of a release: RELEASE=0.2.0 REF=v0.2.0, once that commit is there.
keep-release: programs ## keep a release for the tests of upgrades, in the place of the one before (RELEASE=, REF=)
	test/upgrade/keep-release "$(RELEASE)" "$(or $(REF),HEAD)"

fuzz-short: ## run each fuzz target for a moment
	@$(call fuzz,.,$(FUZZ_SHORT),--exclude-dir=test --exclude-dir=bench)
	@$(call fuzz,test,$(FUZZ_SHORT))

# Every fuzz target of one module, which the sources name: asking go test for them would
# build every test there is. A package is built once for all its targets. Without the race
# detector: the targets run in one goroutine each, and it would take about ten times as
# long. Nothing is built to tell what an input has reached: that is for who tries a million,
# and compiles all there is once more. Interesting inputs are made smaller by a number of
# tries, not for a minute each.
define fuzz
cd $(1) && binary=$$(mktemp) && trap 'rm -f "$$binary"' EXIT && cache=$$($(GO) env GOCACHE)/fuzz \
&& packages=$$(grep -rl --include='*_test.go' --exclude-dir=node_modules $(3) '^func Fuzz' . | xargs -n1 dirname | sort -u) \
&& for package in $$packages; do \
	$(RELEASED) $(GO) test -c -vet=off -o "$$binary" "$$package"; \
	for name in $$(sed -nE 's/^func (Fuzz[A-Za-z0-9]+)\(.*/\1/p' "$$package"/*_test.go); do \
		echo "$$package $$name"; \
		(cd "$$package" && "$$binary" -test.run '^$$' -test.fuzz "^$$name\$$" -test.fuzztime $(2) -test.fuzzminimizetime 1000x \
			-test.fuzzcachedir "$$cache/$(1)/$$package"); \
	done; \
done
endef
