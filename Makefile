# fl: federated training of one language model by composable programs.
#
#   make            all programs into build/bin          make check      the tests
#   make deps       install what is missing              make demo       three sites train one model
#   make install PREFIX=/usr/local DESTDIR=              make bench      ratios of speed and memory
#   make lint       clang-tidy or cppcheck, shellcheck, mandoc, layer order
#   make check SAN=address,undefined | SAN=thread | VALGRIND=1
#   PORTABLE=1      a binary for any x86-64 or other machine; fast paths are chosen when it starts
#
# Layers of lib/: a file includes headers of its own module and of modules before it in MODULES only.
# No dependencies between objects are written by hand: the compiler writes them (-MMD).

MODULES   = base os crypt cli math flt conf port text nn priv sec fed

PREFIX   ?= /usr/local
BINDIR   ?= $(PREFIX)/bin
MANDIR   ?= $(PREFIX)/share/man
BASHDIR  ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR   ?= $(PREFIX)/share/zsh/site-functions
FISHDIR  ?= $(PREFIX)/share/fish/vendor_completions.d

SAN      ?=
VALGRIND ?=
PORTABLE ?= $(if $(VALGRIND),1,)
VARIANT   = $(if $(SAN),-$(subst $(comma),-,$(SAN)))$(if $(PORTABLE),-portable)
comma     = ,
BUILD    ?= build$(VARIANT:%=/%)

CC       ?= cc
OPT      ?= $(if $(SAN),-O1,-O3) $(if $(PORTABLE),,-march=native)
WARN      = -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
            -Wwrite-strings -Wpointer-arith
CPPFLAGS += -Ilib -D_POSIX_C_SOURCE=200809L -D_DEFAULT_SOURCE -D_FORTIFY_SOURCE=2
CFLAGS   ?= $(OPT) -g
# Bytes are promised: no contraction into fused operations, no fast-math, anywhere.
ALLFLAGS  = -std=c11 $(WARN) $(CFLAGS) -ffp-contract=off -fno-math-errno -pthread \
            -fstack-protector-strong $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer) \
            $(if $(SAN),-U_FORTIFY_SOURCE)
LIBS      = -lsodium -lzstd -lopenblas -lyaml -lpcre2-8 -lutf8proc -ljansson -lxxhash -lm

PROGRAMS  = $(patsubst cmd/%.c,%,$(wildcard cmd/fl-*.c)) $(patsubst cmd/%.sh,%,$(wildcard cmd/fl-*.sh))
LIBSRC    = $(foreach m,$(MODULES),$(wildcard lib/$(m)/*.c))
LIBOBJ    = $(LIBSRC:%.c=$(BUILD)/obj/%.o)
CMDC      = $(wildcard cmd/fl-*.c)
BIN       = $(CMDC:cmd/%.c=$(BUILD)/bin/%)
UNITSRC   = $(wildcard tests/unit/test_*.c)
UNIT      = $(UNITSRC:tests/unit/%.c=$(BUILD)/tests/%)
BENCHSRC  = $(wildcard tests/bench/bench_*.c)
BENCH     = $(BENCHSRC:tests/bench/%.c=$(BUILD)/bench/%)
HELPERSRC = $(wildcard tests/naive/*.c)
HELPEROBJ = $(HELPERSRC:%.c=$(BUILD)/obj/%.o)
DEPS      = $(wildcard $(BUILD)/obj/*/*.d $(BUILD)/obj/*/*/*.d)

.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:
.PHONY: all deps havedeps install uninstall demo check bench lint fuzz clean completions

all: $(BIN)

# The first thing that is missing says how to get it. One compile of one line, once per build folder.
$(BUILD)/have: lib/deps.sh
	@mkdir -p $(@D)
	@CC="$(CC)" sh lib/deps.sh check && touch $@

deps:
	@CC="$(CC)" sh lib/deps.sh install

$(BUILD)/obj/%.o: %.c $(BUILD)/have Makefile
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALLFLAGS) $(EXTRA_$(notdir $*)) -MMD -MP -c -o $@ $<

$(BUILD)/libfl.a: $(LIBOBJ)
	@rm -f $@
	$(AR) rcs $@ $(LIBOBJ)

$(BUILD)/bin/%: $(BUILD)/obj/cmd/%.o $(BUILD)/libfl.a
	@mkdir -p $(@D)
	$(CC) $(ALLFLAGS) $(LDFLAGS) -o $@ $< $(BUILD)/libfl.a $(LIBS)

$(BUILD)/tests/%: $(BUILD)/obj/tests/unit/%.o $(HELPEROBJ) $(BUILD)/libfl.a
	@mkdir -p $(@D)
	$(CC) $(ALLFLAGS) $(LDFLAGS) -o $@ $< $(HELPEROBJ) $(BUILD)/libfl.a $(LIBS)

$(BUILD)/bench/%: $(BUILD)/obj/tests/bench/%.o $(HELPEROBJ) $(BUILD)/libfl.a
	@mkdir -p $(@D)
	$(CC) $(ALLFLAGS) $(LDFLAGS) -o $@ $< $(HELPEROBJ) $(BUILD)/libfl.a $(LIBS)

-include $(DEPS)

tests-bin: all $(UNIT)

check: deps
	@$(MAKE) --no-print-directory tests-bin
	@BUILD="$(abspath $(BUILD))" SAN="$(SAN)" VALGRIND="$(VALGRIND)" sh tests/run $(T)

bench: deps
	@$(MAKE) --no-print-directory all $(BENCH)
	@BUILD="$(abspath $(BUILD))" sh tests/bench/run $(T)

demo: deps
	@$(MAKE) --no-print-directory all
	@PATH="$(abspath $(BUILD))/bin:$$PATH" $(MAKE) --no-print-directory -C examples/three-sites

lint:
	@sh tests/lint

completions: all
	@for p in $(notdir $(BIN)); do \
	    $(BUILD)/bin/$$p --completion bash > completions/$$p.bash; \
	    $(BUILD)/bin/$$p --completion zsh > completions/_$$p; \
	    $(BUILD)/bin/$$p --completion fish > completions/$$p.fish; \
	done

install: all
	install -d "$(DESTDIR)$(BINDIR)" "$(DESTDIR)$(MANDIR)/man1" "$(DESTDIR)$(MANDIR)/man5" \
	    "$(DESTDIR)$(MANDIR)/man7" "$(DESTDIR)$(BASHDIR)" "$(DESTDIR)$(ZSHDIR)" "$(DESTDIR)$(FISHDIR)"
	install -m 755 $(BIN) "$(DESTDIR)$(BINDIR)"
	for s in 1 5 7; do for f in man/*.$$s; do \
	    [ ! -e "$$f" ] || install -m 644 "$$f" "$(DESTDIR)$(MANDIR)/man$$s" || exit 1; done; done
	for p in $(notdir $(BIN)); do \
	    install -m 644 completions/$$p.bash "$(DESTDIR)$(BASHDIR)/$$p" && \
	    install -m 644 completions/_$$p "$(DESTDIR)$(ZSHDIR)/_$$p" && \
	    install -m 644 completions/$$p.fish "$(DESTDIR)$(FISHDIR)/$$p.fish" || exit 1; done

uninstall:
	for p in $(notdir $(BIN)); do rm -f "$(DESTDIR)$(BINDIR)/$$p" "$(DESTDIR)$(BASHDIR)/$$p" \
	    "$(DESTDIR)$(ZSHDIR)/_$$p" "$(DESTDIR)$(FISHDIR)/$$p.fish"; done
	for s in 1 5 7; do for f in man/*.$$s; do \
	    [ ! -e "$$f" ] || rm -f "$(DESTDIR)$(MANDIR)/man$$s/$${f#man/}"; done; done

clean:
	rm -rf build
