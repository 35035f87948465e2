# vrrp-xdp. `make help` lists what there is to make.

# sudo's PATH does not hold Go: look where it usually is, and where the user has it.
GO := $(shell command -v go || { [ -z "$$SUDO_USER" ] || su - "$$SUDO_USER" -c 'command -v go'; } || \
	ls /usr/local/go/bin/go /usr/lib/go/bin/go /usr/lib/go-*/bin/go 2>/dev/null | head -n 1)
ifeq ($(GO),)
$(error Go was not found: install it (https://go.dev/dl), or say where it is: make GO=/path/to/go)
endif
export PATH := $(dir $(GO)):/usr/sbin:/sbin:$(PATH)
export CGO_ENABLED := 0
# As root in a user's checkout git refuses to tell Go about revisions.
export GOFLAGS := -buildvcs=false

GIT := git -c safe.directory=$(CURDIR)
VERSION ?= $(shell $(GIT) describe --tags --always --dirty 2>/dev/null || echo unreleased)
PREFIX ?= /usr/local
UNITS = $(PREFIX)/lib/systemd/system
CONFIG = /etc/vrrp-xdp/vrrp-xdp.conf
CLANG := clang-14
CLANG_VERSION := 14.0.6
FORMAT := clang-format-14

KERNELS ?= 6.1 6.12
FUZZTIME ?= 1m
SEEDS ?= 100000
VULNDB ?= https://vuln.go.dev
MODE ?= native
ADVERT ?= 100ms
SEED ?= 0
DURATION ?= 2m

# need: $(call need,COMMANDS,PACKAGES,SERVICES) installs packages where a command is missing. Daemons among them are
# for the tests to run, in namespaces of their own: on the host none is started, now or at boot.
define need
for c in $(1); do command -v $$c >/dev/null || missing=1; done; \
[ -z "$$missing" ] || { \
	echo "installing with apt: $(2)"; \
	[ "$$(id -u)" = 0 ] || { echo "this needs root: run it as root or with sudo" >&2; exit 1; }; \
	command -v apt-get >/dev/null || { echo "no apt here: install $(2) by hand" >&2; exit 1; }; \
	policy=/usr/sbin/policy-rc.d; \
	[ -e $$policy ] || { trap 'rm -f '$$policy EXIT; printf '#!/bin/sh\nexit 101\n' >$$policy; chmod +x $$policy; }; \
	{ apt-get -qq update && DEBIAN_FRONTEND=noninteractive \
		apt-get -qq install -y --no-install-recommends $(2) >/dev/null; } || exit 1; \
	[ -z "$(3)" ] || ! command -v systemctl >/dev/null || systemctl -q disable $(3) || true; }
endef

# systemctl: $(call systemctl,WORDS) where systemd runs, and it is its host that is installed to.
define systemctl
if [ -z "$(DESTDIR)" ] && [ -d /run/systemd/system ]; then systemctl $(1); fi
endef

# tools: what the tests run, look with and play against.
define tools
$(call need,ip ping keepalived promtool vtysh tshark tcpdump systemd-analyze,iproute2 iputils-ping keepalived prometheus frr tshark tcpdump systemd,keepalived prometheus frr)
endef

.PHONY: help build install uninstall clean demo test chaos sim test-kernels bench generate check-generate lint fmt

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## bin/vrrp-xdp
	$(GO) build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/vrrp-xdp ./cmd/vrrp-xdp

install: build ## install command, service and, if there is none, a configuration (PREFIX=/usr/local, DESTDIR=)
	install -D -m 0755 bin/vrrp-xdp $(DESTDIR)$(PREFIX)/sbin/vrrp-xdp
	install -d $(DESTDIR)$(UNITS) $(DESTDIR)/etc/vrrp-xdp
	sed 's|/usr/sbin/vrrp-xdp|$(PREFIX)/sbin/vrrp-xdp|' packaging/vrrp-xdp.service >$(DESTDIR)$(UNITS)/vrrp-xdp.service
	chmod 0644 $(DESTDIR)$(UNITS)/vrrp-xdp.service
	[ -e $(DESTDIR)$(CONFIG) ] || install -m 0640 packaging/vrrp-xdp.conf $(DESTDIR)$(CONFIG)
	$(call systemctl,daemon-reload)

uninstall: ## stop the service, and remove what install has installed, but for the configuration
	[ ! -e $(DESTDIR)$(UNITS)/vrrp-xdp.service ] || $(call systemctl,disable --now vrrp-xdp.service)
	rm -f $(DESTDIR)$(PREFIX)/sbin/vrrp-xdp $(DESTDIR)$(UNITS)/vrrp-xdp.service
	$(call systemctl,daemon-reload)
	@[ ! -e $(DESTDIR)$(CONFIG) ] || echo "left: $(DESTDIR)$(CONFIG)"

clean: ## remove what was built
	rm -rf bin dist

demo: build ## two routers and a client: watch the master hang, die, stop and lose its link (as root; MODE=, ADVERT=)
	@$(call need,ip,iproute2)
	@$(GO) run ./test/demo -binary bin/vrrp-xdp -mode $(MODE) -advert $(ADVERT)

test: build ## everything (as root)
	@$(tools)
	$(GO) vet ./...
	$(GO) test -count=1 ./cmd/... ./control/... ./datapath/...
	$(GO) test -count=1 -p 1 -parallel 4 -timeout 9m ./test/...

chaos: ## break three routers at random, and watch who owns the addresses; steps the clock (as root; SEED=, DURATION=2m)
	@$(call need,ip,iproute2)
	$(GO) test -count=1 -timeout 24h -v -run TestChaos ./test/chaos \
		-chaos.clock -chaos.seed=$(SEED) -chaos.duration=$(DURATION)

sim: ## whole engines on simulated LANs, in virtual time (SEEDS=100000)
	$(GO) test -count=1 -timeout 24h -v -run TestSimulatedEngines ./control -sim.seeds=$(SEEDS)

race: ## what needs no BPF, under Go's race detector (as root)
	@$(call need,gcc,gcc libc6-dev)
	@$(tools)
	CGO_ENABLED=1 $(GO) test -race -short -count=1 ./control/... ./cmd/...

# Each in turn, for go test fuzzes one at a time; a failing input is written below testdata/fuzz.
fuzz: ## every parser of outside bytes (FUZZTIME=1m each; as root for test/parsers)
	set -e; grep -rEo --include='*_test.go' '^func Fuzz[A-Za-z0-9]+' . | sed 's|^./||' | while IFS=: read -r file target; do \
		$(GO) test "./$$(dirname "$$file")" -run '^$$' -fuzz "^$${target#func }\$$" -fuzztime $(FUZZTIME); done

# The database is asked over the network. Where it does not answer nothing is known, which is no fault of this source.
vuln: ## known vulnerabilities in what is called (VULNDB=https://vuln.go.dev)
	@out=$$($(GO) tool govulncheck -db $(VULNDB) ./... 2>&1); status=$$?; echo "$$out"; \
	case "$$status $$out" in \
	0*) ;; \
	*"fetching vulnerabilities"*) echo "vuln: NOT CHECKED: the vulnerability database at $(VULNDB) cannot be reached from here" >&2 ;; \
	*) exit $$status ;; \
	esac

test-kernels: ## what touches the kernel, in VMs with Debian's own (KERNELS=6.1 6.12; as root)
	@$(call need,qemu-system-x86_64 busybox cpio xz,qemu-system-x86 busybox-static cpio xz-utils)
	set -e; for k in $(KERNELS); do echo "Linux $$k"; \
		$(GO) test -count=1 -p 1 -timeout 14m -exec "'$(CURDIR)/test/kernels/vmtest.sh' $$k" ./datapath ./control/netio; done

bench: ## what the programs cost, into docs/performance.md (as root)
	$(GO) run ./test/bench

generate: ## compile the BPF programs
	@$(call need,$(CLANG),$(CLANG) llvm-14 libbpf-dev linux-libc-dev)
	@$(CLANG) --version | grep -q ' $(CLANG_VERSION)' || { echo "generate needs clang $(CLANG_VERSION), Debian 12's: what it makes is compared byte for byte" >&2; exit 1; }
	$(GO) generate ./...

check-generate: generate ## fail if the committed BPF objects are not those of the source
	$(GIT) diff --exit-code -- datapath

lint: ## what reviewers should not have to say
	@$(call need,$(FORMAT),$(FORMAT))
	@bad=$$(gofmt -l .) && [ -z "$$bad" ] || { echo "not formatted (make fmt): $$bad" >&2; exit 1; }
	$(FORMAT) --dry-run -Werror bpf/*.h bpf/*.c
	$(GO) mod tidy -diff
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

fmt: ## format Go and C
	gofmt -w .
	$(FORMAT) -i bpf/*.h bpf/*.c
