# make            the program, build/release/dfc-audit
# make help       every target
# make VARIANT=asan test

VERSION := 0.1.0
VARIANT ?= release
OPT     ?= -O2 -g
PREFIX  ?= /usr/local
B       := build/$(VARIANT)$(if $(MPI),-mpi)
Q       := $(if $(filter 1,$(V)),,@)
DATADIR  = $(PREFIX)/share/dfc-audit

# ---- dependencies: by pkg-config; libharu ships no .pc. What is missing is said when something is compiled ----
PKGS    := yaml-0.1 libgit2 openblas jansson libcrypto libpcre2-8 libutf8proc md4c zlib libzstd
FOUND   := $(shell pkg-config --exists $(PKGS) cmocka 2>/dev/null && echo yes)
INC     := -Iaudit -I. -D_POSIX_C_SOURCE=200809L $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
LIBS    := $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lhpdf -lpthread -lm

# ---- ranks: MPI=1 swaps one file ----
RANKS   := $(if $(MPI),comm_single,comm_mpi)
ifdef MPI
  INC   += $(shell pkg-config --cflags ompi-c)
  LIBS  += $(shell pkg-config --libs ompi-c)
endif

# ---- one meaning for every float: no fast-math, no contraction. Hidden symbols: some are also a library's ----
STD     := -std=c11 -fvisibility=hidden -ffp-contract=off -fno-math-errno -fno-trapping-math -MMD -MP
WARN    := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wdouble-promotion \
           -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef -Wwrite-strings -Wcast-qual -Wformat=2

SAN_release :=
SAN_asan    := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
SAN_tiny    := -DTEST_TINY $(SAN_asan)
SAN_tsan    := -fsanitize=thread
SAN_cov     := --coverage -O0
SAN_fuzz    := -fsanitize=fuzzer-no-link,address,undefined
ifeq ($(origin SAN_$(VARIANT)),undefined)
  $(error VARIANT is release, asan, tiny, tsan, cov or fuzz)
endif
SAN     := $(SAN_$(VARIANT))
ifeq ($(VARIANT),fuzz)
  CC    := clang
endif

# ---- files: what is there is built, in sorted order ----
LIB     := $(filter-out audit/base/$(RANKS).c,$(sort $(wildcard audit/*/*.c report/*.c)))
CMD     := $(sort $(wildcard audit/*.c))
SUPPORT := $(sort $(wildcard tests/support/*.c))
TESTS   := $(patsubst %.c,$(B)/%,$(sort $(wildcard $(if $(ONLY),tests/*/test_$(ONLY).c,tests/unit/*.c tests/flow/*.c))))
FUZZ    := $(patsubst tests/fuzz/%.c,$(B)/%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
DRIVER  := $(if $(filter fuzz,$(VARIANT)),,tests/fuzz/replay.c)
SOURCES := $(LIB) $(CMD) $(SUPPORT) $(sort $(wildcard tests/unit/*.[ch] tests/flow/*.[ch] tests/fuzz/*.c \
           tests/support/*.h audit/*.h audit/*/*.h report/*.h))
obj      = $(patsubst %.c,$(B)/obj/%.o,$(1))
link     = @mkdir -p $(@D) && echo "  LINK $@" && $(CC) $(SAN) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LIBS)
# a make of its own: what deps installed is found, and both cores work unless -j said otherwise
again    = @$(MAKE) --no-print-directory $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc 2>/dev/null || echo 1))

.SECONDARY:
.DELETE_ON_ERROR:
.PHONY: all deps demo test tests unit cli golden golden-update ranks replay fuzz fuzz-run rules lint format install clean help FORCE
all: $(B)/dfc-audit            ## build the program (the default)

# one archive, so that a test links only what it uses
$(B)/libaudit.a: $(call obj,$(LIB))
	@rm -f $@ && ar rcs $@ $^
$(B)/dfc-audit: $(call obj,$(CMD)) $(B)/libaudit.a
	$(link)
$(B)/tests/%: $(B)/obj/tests/%.o $(call obj,$(SUPPORT)) $(B)/libaudit.a
	$(link) $(shell pkg-config --libs cmocka)
$(B)/fuzz_%: $(B)/obj/tests/fuzz/fuzz_%.o $(call obj,$(DRIVER)) $(B)/libaudit.a
	$(link) $(if $(DRIVER),,-fsanitize=fuzzer)
$(B)/obj/%.o: %.c Makefile
	$(if $(FOUND),,$(error libraries are missing; "make deps" installs them))
	@mkdir -p $(@D) && echo "  CC   $<"
	$(Q)$(CC) $(INC) $(STD) $(WARN) $(OPT) $(SAN) $(BAKED) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

# ---- what is baked into the program; a stamp changes only when its text does ----
COMMIT   = $(shell git describe --always --abbrev=40 --match '' --dirty=+ 2>/dev/null || echo unknown)
$(B)/obj/audit/base/version.o: BAKED = -DVERSION='"$(VERSION)"' -DCOMMIT='"$(COMMIT)"'
$(B)/obj/audit/base/version.o: $(B)/commit
$(B)/obj/audit/main.o: BAKED = -DDFC_DATADIR='"$(DATADIR)"'
$(B)/obj/audit/main.o: $(B)/datadir
$(B)/commit $(B)/datadir: FORCE
	@mkdir -p $(@D) && echo '$(if $(filter %commit,$@),$(VERSION) $(COMMIT),$(DATADIR))' | \
		{ cat > $@.now; cmp -s $@.now $@ && rm $@.now || mv $@.now $@; }

deps:                          ## install the Debian packages that are missing
	@tests/deps.sh
demo: deps                     ## two models, an audit, its report: about two minutes
	$(again) all
	@run=$$($(B)/dfc-audit run specs/demo.yaml) && ls "$$run"/report.md "$$run"/report.pdf
test: deps                     ## everything a change must pass
	$(again) tests
tests: all $(TESTS) $(FUZZ)
	@CC="$(CC)" tests/run.sh $(B) rules $(TESTS) cli runs store sources golden replay
unit: $(TESTS)                 ## unit, property, fault and behaviour tests; ONLY=json for one
	@tests/run.sh $(B) $(TESTS)
cli: all                       ## the command line against tests/cli/*.out .err .exit; UPDATE=1 rewrites those
	@tests/run.sh $(B) cli
golden: all                    ## golden/*, run anew and compared
	@tests/run.sh $(B) golden
golden-update: all             ## rewrite golden/*; read the diff, and say why in the commit
	@$(B)/dfc-audit golden update --work $(B)/golden
ranks:                         ## over MPI (libopenmpi-dev), one rank and two give the same bytes
	$(again) MPI=1 all
	@tests/ranks.sh $(B)-mpi/dfc-audit
replay: $(FUZZ)                ## every fuzz corpus once, without a fuzzer
	@tests/run.sh $(B) replay
fuzz:                          ## FOR=60 seconds of each fuzz target (clang); ONLY=json for one
	@tests/deps.sh clang
	$(again) VARIANT=fuzz fuzz-run
fuzz-run: $(FUZZ)
	@for f in $(if $(ONLY),$(B)/fuzz_$(ONLY),$(FUZZ)); do c=build/corpus/$${f##*/fuzz_}; mkdir -p $$c; \
		$$f -max_total_time=$(or $(FOR),60) $$c tests/fuzz/corpus/$${f##*/fuzz_} || exit 1; done
rules:                         ## floor plan, doors, headers alone
	@CC="$(CC)" tests/run.sh $(B) rules
lint: rules                    ## every warning an error; clang-tidy, cppcheck, clang-format
	@tests/deps.sh clang-tidy clang-format cppcheck
	$(again) B=build/lint CFLAGS=-Werror all
	@clang-format --dry-run -Werror $(SOURCES)
	@cppcheck --quiet --error-exitcode=1 --std=c11 --inline-suppr --enable=warning,portability,performance \
		--suppressions-list=tests/cppcheck.txt -DVERSION=0 -DCOMMIT=0 -DDFC_DATADIR='""' -Iaudit -I. $(LIB) $(CMD)
	@printf '%s\n' $(LIB) $(CMD) | xargs -P "$$(nproc)" -I FILE clang-tidy --quiet FILE -- \
		$(INC) -std=c11 -DVERSION='""' -DCOMMIT='""' -DDFC_DATADIR='""' 2>/dev/null
format:                        ## clang-format, in place
	@clang-format -i $(SOURCES)
install: all                   ## program, man page, completions, templates; PREFIX=/usr/local DESTDIR=
	@tests/install.sh $(B)/dfc-audit "$(DESTDIR)$(PREFIX)"
clean:                         ## remove build/
	rm -rf build
help:                          ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-10s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

-include $(shell find $(B) -name '*.d' 2>/dev/null)
