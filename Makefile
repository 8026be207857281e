# Two commands from a fresh clone: `make run` and `make test`. Each installs what
# it needs. `make help` lists the rest.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# Node comes from npm, so that the CDK runs on a supported one.
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

STEP := ./scripts/step.sh
CDK  := cdk
NPM_READY := node_modules/.package-lock.json
GO_PACKAGES := ./...
# The packages with goroutines.
RACE_PACKAGES := ./bus/... ./capture/... ./readmodel/... ./event/... ./eventlog/... ./functionlog/... ./httpfunc/... ./orm/... ./settings/... ./sqsbatch/... ./local/... ./internal/... ./cmd/... ./lambdas/... ./domain/...

# A package that npm has put there and that is gone again is installed again.
NPM_PACKAGES := $(shell [ ! -f $(NPM_READY) ] || sed -n 's|^ *"\(node_modules/[^"]*\)": {$$|\1/package.json|p' $(NPM_READY))
ifneq ($(filter-out $(wildcard $(NPM_PACKAGES)),$(NPM_PACKAGES)),)
.PHONY: $(NPM_READY)
endif

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

$(NPM_READY): package.json package-lock.json
	@command -v npm >/dev/null || { echo "npm is missing: install Node.js (https://nodejs.org), any version; the build brings its own Node 24" >&2; exit 1; }
	@$(STEP) "install the npm packages: CDK CLI, Node 24, DynamoDB engine" npm ci --no-fund --no-audit --loglevel=error
	@touch $@

.PHONY: install
install: $(NPM_READY) ## install npm packages and Go modules
	@command -v go >/dev/null || { echo "go is missing: install Go 1.26 or newer (https://go.dev/dl)" >&2; exit 1; }
	@$(STEP) "download the Go modules" go mod download

.PHONY: run
run: install ## run the application on this machine and drive it through its API; ARGS="--chaos 7" makes it harsh
	@mkdir -p .vinci/bin
	@$(STEP) "build the scenario" go build -o .vinci/bin/run ./scenario/run
	@.vinci/bin/run $(ARGS)

.PHONY: dev
dev: install ## run the application on this machine and follow its sources
	@mkdir -p .vinci/bin
	@$(STEP) "build the vinci tool" go build -o .vinci/bin/vinci ./cmd/vinci
	@exec .vinci/bin/vinci dev --with-parent $(ARGS)

.PHONY: test
test: install fmt-check ## format, vet, staticcheck, all tests, reduced sizes
	@$(STEP) "go vet" go vet $(GO_PACKAGES)
	@$(STEP) "staticcheck" go tool staticcheck $(GO_PACKAGES)
	@$(STEP) "go test" env RAPID_SEED=1 go test -timeout 9m $(GO_PACKAGES)

.PHONY: fmt-check
fmt-check:
	@bad=$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go')); if [ -n "$$bad" ]; then echo "not formatted (run make fmt):" >&2; echo "$$bad" >&2; exit 1; fi

.PHONY: fmt
fmt: ## format the Go sources
	@gofmt -w $$(git ls-files -co --exclude-standard '*.go')

.PHONY: race
race: install ## the tests of every package with goroutines under the race detector
	@cc=$$(go env CC); if ! command -v "$$cc" >/dev/null; then \
		echo "race: NOT RUN: the race detector needs a C compiler and $$cc is not installed" >&2; \
		if [ -n "$${RACE_OPTIONAL:-}" ]; then exit 0; fi; exit 1; fi
	@$(STEP) "go test -race" env CGO_ENABLED=1 go test -race -timeout 15m $(RACE_PACKAGES)

.PHONY: verify
verify: install ## all tests at full size: the simulation, the kill test, every property 2,000 times, every fuzz target for 20s
	@$(STEP) "go test, properties at full size" env RAPID_CHECKS=2000 VINCI_FULL=1 go test -count=1 -timeout 60m $(GO_PACKAGES)
	@$(STEP) "fuzz" ./scripts/fuzz.sh 20s

.PHONY: bench
bench: install ## measure; docs/performance.md keeps the figures
	@$(STEP) "benchmarks of the packages" go test -run '^$$' -bench . -benchmem $(GO_PACKAGES)
	@$(STEP) "beside peers" sh -c "cd bench/peers && go vet . && go test -bench . -benchmem ."
	@$(STEP) "install what is measured beside us: fauxqs" npm ci --prefix bench --no-fund --no-audit --loglevel=error
	@$(STEP) "install what is measured beside us: TypeScript CDK" npm ci --prefix bench/synth-ts --no-fund --no-audit --loglevel=error
	@$(STEP) "compile it" npm run --silent --prefix bench/synth-ts build
	@$(STEP) "the application as a whole" go run ./bench

.PHONY: load
load: install ## load the orders: POST at 20/s, POST to dashboard, orders a second
	@$(STEP) "orders under load" go run ./bench -parts orders $(ARGS)

# CDK targets. DEPLOYMENT names the deployment, ARGS goes to the CDK CLI.
.PHONY: deployment
deployment:
	@if [ -z "$${DEPLOYMENT:-}" ]; then echo "DEPLOYMENT is missing: make synth DEPLOYMENT=dev" >&2; exit 1; fi

.PHONY: synth
synth: deployment install ## synthesize a deployment into cdk.out: make synth DEPLOYMENT=dev
	@$(STEP) "synthesize $$DEPLOYMENT" $(CDK) synth --quiet -c "deployment=$$DEPLOYMENT" $(ARGS)

.PHONY: deploy
deploy: deployment install ## deploy a deployment to AWS
	@$(STEP) "deploy $$DEPLOYMENT" $(CDK) deploy --all -c "deployment=$$DEPLOYMENT" $(ARGS) || { ./scripts/account.sh; exit 1; }

.PHONY: diff
diff: deployment install ## compare a deployment with what is on AWS
	@$(STEP) "compare $$DEPLOYMENT" $(CDK) diff -c "deployment=$$DEPLOYMENT" $(ARGS) || { ./scripts/account.sh; exit 1; }
	@$(STEP) "compare the tables of $$DEPLOYMENT" go run ./cmd/vinci tables diff --deployment "$$DEPLOYMENT" || { ./scripts/account.sh; exit 1; }

.PHONY: destroy
destroy: deployment install ## delete a deployment from AWS
	@$(STEP) "destroy $$DEPLOYMENT" $(CDK) destroy --all -c "deployment=$$DEPLOYMENT" $(ARGS) || { ./scripts/account.sh; exit 1; }

# Pipeline targets, which .github/workflows runs: docs/cicd.md.
.PHONY: template-diff
template-diff: install ## what would change of a deployment of another commit: make template-diff BASE=main
	@./scripts/template_diff.sh "$${BASE:-main}"

.PHONY: assemblies
assemblies: install ## synthesize deployments into .vinci/assemblies: make assemblies DEPLOYMENTS="staging prod"
	@./scripts/assemblies.sh $(DEPLOYMENTS)

.PHONY: release
release: deployment install ## deploy an assembly of those, try it, go back when it does not do
	@./scripts/release.sh "$$DEPLOYMENT" --releases "$${VINCI_RELEASES:?it is missing: the bucket that vinci bootstrap github has made}" $(ARGS)

.PHONY: preview
preview: deployment install ## deploy a pull request: make preview DEPLOYMENT=pr12
	@./scripts/preview.sh up "$$DEPLOYMENT"

.PHONY: preview-down
preview-down: deployment install ## delete a pull request's deployment
	@./scripts/preview.sh down "$$DEPLOYMENT"

.PHONY: clean
clean: ## remove everything generated, local data included
	@rm -rf .vinci cdk.out
