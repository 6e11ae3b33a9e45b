# make            the program, build/release/dfc-audit
# make help       every target
# make VARIANT=asan test

VARIANT ?= release
OPT     ?= -O2 -g
B       := build/$(VARIANT)
Q       := $(if $(filter 1,$(V)),,@)

# ---- dependencies: by pkg-config; libharu and md4c's siblings that ship no .pc by name ----
PKGS    := yaml-0.1 libgit2 openblas jansson libcrypto libpcre2-8 libutf8proc md4c
INC     := -Iaudit -I. -D_POSIX_C_SOURCE=200809L $(shell pkg-config --cflags $(PKGS))
LIBS    := $(shell pkg-config --libs $(PKGS)) -lhpdf -lpthread -lm

# ---- one meaning for every float: no fast-math, no contraction ----
STD     := -std=c11 -fvisibility=hidden -ffp-contract=off -fno-math-errno -fno-trapping-math -MMD -MP
WARN    := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wdouble-promotion \
           -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef -Wwrite-strings -Wcast-qual -Wformat=2

SAN_release :=
SAN_asan    := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
SAN_tsan    := -fsanitize=thread
SAN_cov     := --coverage -O0
SAN_fuzz    := -fsanitize=fuzzer-no-link,address,undefined
ifeq ($(origin SAN_$(VARIANT)),undefined)
  $(error VARIANT is release, asan, tsan, cov or fuzz)
endif
SAN     := $(SAN_$(VARIANT))
ifeq ($(VARIANT),fuzz)
  CC    := clang
endif

# ---- files: what is there is built, in sorted order ----
LIB     := $(sort $(wildcard audit/*/*.c report/*.c))
CMD     := $(sort $(wildcard audit/*.c))
SUPPORT := $(sort $(wildcard tests/support/*.c))
TESTS   := $(patsubst %.c,$(B)/%,$(sort $(wildcard tests/unit/*.c tests/flow/*.c)))
obj      = $(patsubst %.c,$(B)/obj/%.o,$(1))
# one archive, so that a test links only what it uses
link     = @mkdir -p $(@D) && echo "  LINK $@" && $(CC) $(SAN) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LIBS)

.SECONDARY:
.PHONY: all test unit clean help
all: $(B)/dfc-audit            ## build the program (the default)

$(B)/libaudit.a: $(call obj,$(LIB))
	@rm -f $@ && ar rcs $@ $^
$(B)/dfc-audit: $(call obj,$(CMD)) $(B)/libaudit.a
	$(link)
$(B)/tests/%: $(B)/obj/tests/%.o $(call obj,$(SUPPORT)) $(B)/libaudit.a
	$(link) $(shell pkg-config --libs cmocka)
$(B)/obj/%.o: %.c Makefile
	@mkdir -p $(@D) && echo "  CC   $<"
	$(Q)$(CC) $(INC) $(STD) $(WARN) $(OPT) $(SAN) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

test: unit                     ## everything a change must pass
unit: $(TESTS)                 ## unit, property, fault and behaviour tests
	@for t in $(TESTS); do $$t || exit 1; done
clean:                         ## remove build/
	rm -rf build
help:                          ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

-include $(shell find build -name '*.d' 2>/dev/null)
