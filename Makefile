# fl: federated training of one language model by composable programs.
#
#   make              all programs into build/bin
#   make deps         install what is missing
#   make check        the tests; T="NAME..." some of them
#   make demo         three sites train one model here, and you see what each gained
#   make install      programs, manual pages, completions, README and examples
#   make uninstall    the same files go again
#   make soak         rounds under faults, SECONDS=1800 SEED=1 ROUNDS=20; EVERY=1: all points of a turn
#   make lint         clang-tidy or cppcheck, shellcheck, mandoc, the layer order
#   make bench        ratios of speed and memory
#   make profile      the functions that run most instructions, of four programs, by callgrind
#   make fuzz         hostile inputs, a minute each; T=NAME one of them
#   make model        the protocol's states, explored by spin, at length; T="WORD..." some cases
#   make aarch64      programs and tests of that processor into build/aarch64, with what they need
#   make completions  write completions/ anew, after a change of options
#   make clean        remove build/
#   make help         these lines
#
#   PREFIX=/usr/local DESTDIR=     where to install; BINDIR, MANDIR, DOCDIR, BASHDIR, ZSHDIR, FISHDIR
#   CC=cc CFLAGS="-O3 -g"          the compiler; CPPFLAGS and LDFLAGS are added
#   PORTABLE=1        a binary for any machine of the architecture; fast paths are chosen at its start
#   SAN=address,undefined          build and check with sanitizers, or SAN=thread
#   VALGRIND=1        run the tests under valgrind
#   BUILD=build       where to build; nothing is written to the sources
#   V=1               show the commands
#   OUT= ROUNDS= TEXT= SEED= ...   of the demo; make -C examples/three-sites help lists them

# Layers of lib/: a file includes headers of its own module and of modules before it in MODULES
# only. lib/*/FILE.c is tested by tests/unit/test_FILE.c, cmd/PROGRAM.c, or the script
# cmd/PROGRAM, is described by man/PROGRAM.1; completions of the former are generated. Every variant builds in a folder of its own.
# Nothing is listed by hand: a new file is built, tested, installed because it is there.

MODULES   = base os crypt cli math flt conf text data priv nn sec fed audit port page

PREFIX   ?= /usr/local
BINDIR   ?= $(PREFIX)/bin
MANDIR   ?= $(PREFIX)/share/man
DOCDIR   ?= $(PREFIX)/share/doc/fl
BASHDIR  ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR   ?= $(PREFIX)/share/zsh/site-functions
FISHDIR  ?= $(PREFIX)/share/fish/vendor_completions.d

SAN      ?=
VALGRIND ?=
PORTABLE ?= $(if $(VALGRIND),1,)
comma    := ,
empty    :=
space    := $(empty) $(empty)
VARIANT  := $(subst $(space),-,$(strip $(subst $(comma),-,$(SAN)) $(if $(PORTABLE),portable)))
BUILD    ?= build$(VARIANT:%=/%)
ifneq ($(words $(BUILD)),1)
$(error BUILD is "$(BUILD)": make needs the name of one folder, without spaces)
endif

CC       ?= cc
NATIVE   := $(if $(PORTABLE),,$(shell $(CC) -march=native -E -x c /dev/null >/dev/null 2>&1 && \
                                      echo -march=native))
CFLAGS   ?= $(if $(SAN),-O1,-O3) -g
WARN      = -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
            -Wwrite-strings -Wpointer-arith
HARDEN    = -fstack-protector-strong -U_FORTIFY_SOURCE $(if $(SAN),,-D_FORTIFY_SOURCE=2)
SANFLAGS  = $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer)
# Bytes are promised: no contraction into fused operations, no fast-math, anywhere. (That nobody
# reads errno or the exception flags of arithmetic changes no result, and lets loops be vectors.)
COMPILE   = $(CC) -std=c11 -D_POSIX_C_SOURCE=200809L -D_DEFAULT_SOURCE -Ilib $(WARN) $(NATIVE) \
            -ffp-contract=off -fno-math-errno -fno-trapping-math -pthread \
            $(HARDEN) $(SANFLAGS) $(CPPFLAGS) $(CFLAGS)
LINK      = $(CC) -pthread $(SANFLAGS) $(CFLAGS) $(LDFLAGS)
LIBS      = -lsodium -lzstd -lopenblas -lyaml -lutf8proc -ljansson -lxxhash -lz -llzma -ldl -lm
TWINLIBS  = -lpcre2-8 -lcsv

objects   = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
LIBOBJ   := $(call objects,$(foreach m,$(MODULES),$(sort $(wildcard lib/$(m)/*.c))))
CMDC     := $(sort $(wildcard cmd/fl-*.c))
UNITC    := $(sort $(wildcard tests/unit/test_*.c))
BENCHC   := $(sort $(wildcard tests/bench/bench_*.c))
FUZZC    := $(sort $(wildcard tests/fuzz/fuzz_*.c))
NAIVEOBJ := $(call objects,$(sort $(wildcard tests/naive/*.c)))
SCRIPTS  := $(sort $(filter-out %.c,$(wildcard cmd/fl-*)))
BIN      := $(CMDC:cmd/%.c=$(BUILD)/bin/%) $(SCRIPTS:cmd/%=$(BUILD)/bin/%)
UNIT     := $(UNITC:tests/unit/%.c=$(BUILD)/tests/%)
BENCH    := $(BENCHC:tests/bench/%.c=$(BUILD)/bench/%)
FUZZ     := $(FUZZC:tests/fuzz/%.c=$(BUILD)/fuzz/%)
NAMES    := $(CMDC:cmd/%.c=%)
# Scripts have no completions of their own making: those of fl-round are written by hand.
COMPLETED = $(NAMES) fl-round
MAN      := $(wildcard man/*.[157])
DOC      := README.md LICENSE $(sort $(shell find examples -maxdepth 2 -type f))
ALLOBJ   := $(LIBOBJ) $(NAIVEOBJ) $(call objects,$(CMDC) $(UNITC) $(BENCHC) $(FUZZC))

# On all cores, unless -j says otherwise; a make below shares them.
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
endif
MAKEFLAGS += --no-print-directory
Q         = $(if $(V),,@)

.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:
.PHONY: all help deps install uninstall demo demo-five check check-programs soak bench bench-programs profile \
        profile-run lint model fuzz fuzz-run fuzz-programs aarch64 aarch64-programs completions \
        clean FORCE

all: $(BUILD)/libfl.a $(BIN)

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' Makefile

# What is missing is said once, in one line, before anything is compiled.
$(BUILD)/have: lib/deps.sh
	@mkdir -p $(@D)
	@CC="$(CC)" sh lib/deps.sh check
	@touch $@

deps:
	@CC="$(CC)" sh lib/deps.sh install

# Changed flags or a changed list of files rebuild what depends on them.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(subst ','\'',$(COMPILE))' | cmp -s - $@ || echo '$(subst ','\'',$(COMPILE))' > $@

$(BUILD)/files: FORCE
	@mkdir -p $(@D)
	@echo '$(notdir $(LIBOBJ) $(NAIVEOBJ))' | cmp -s - $@ || \
	    echo '$(notdir $(LIBOBJ) $(NAIVEOBJ))' > $@

$(BUILD)/obj/%.o: %.c $(BUILD)/flags | $(BUILD)/have
	@mkdir -p $(@D)
	$(if $(V),,@echo "  CC   $<")
	$(Q)$(COMPILE) $(WARN_UNUSED) -MMD -MP -c -o $@ $<

# Tests look at what comes out, so a result may go there.
$(BUILD)/obj/tests/%.o: WARN_UNUSED = -Wno-unused-result

$(BUILD)/libfl.a: $(LIBOBJ) $(BUILD)/files
	@rm -f $@
	$(Q)$(AR) rcs $@ $(LIBOBJ)

$(BUILD)/bin/%: $(BUILD)/obj/cmd/%.o $(BUILD)/libfl.a
	@mkdir -p $(@D)
	$(if $(V),,@echo "  LINK $@")
	$(Q)$(LINK) -o $@ $< $(BUILD)/libfl.a $(LIBS)

$(SCRIPTS:cmd/%=$(BUILD)/bin/%): $(BUILD)/bin/%: cmd/%
	@mkdir -p $(@D)
	$(if $(V),,@echo "  COPY $@")
	$(Q)install -m 755 $< $@

$(BUILD)/tests/%: $(BUILD)/obj/tests/unit/%.o $(NAIVEOBJ) $(BUILD)/libfl.a $(BUILD)/files
	@mkdir -p $(@D)
	$(if $(V),,@echo "  LINK $@")
	$(Q)$(LINK) -o $@ $< $(NAIVEOBJ) $(BUILD)/libfl.a $(LIBS) $(TWINLIBS)

$(BUILD)/bench/%: $(BUILD)/obj/tests/bench/%.o $(NAIVEOBJ) $(BUILD)/libfl.a $(BUILD)/files
	@mkdir -p $(@D)
	$(if $(V),,@echo "  LINK $@")
	$(Q)$(LINK) -o $@ $< $(NAIVEOBJ) $(BUILD)/libfl.a $(LIBS) $(TWINLIBS)

$(BUILD)/fuzz/%: $(BUILD)/obj/tests/fuzz/%.o $(NAIVEOBJ) $(BUILD)/libfl.a $(BUILD)/files
	@mkdir -p $(@D)
	$(if $(V),,@echo "  LINK $@")
	$(Q)$(LINK) -fsanitize=fuzzer -o $@ $< $(NAIVEOBJ) $(BUILD)/libfl.a $(LIBS) $(TWINLIBS)

-include $(ALLOBJ:.o=.d)

check-programs: $(BIN) $(UNIT)

bench-programs: $(BIN) $(BENCH)

check:
	@CC="$(CC)" sh lib/deps.sh tests
	@$(MAKE) check-programs
	@BUILD="$(abspath $(BUILD))" SAN="$(SAN)" VALGRIND="$(VALGRIND)" sh tests/run $(T)

soak: deps
	@SECONDS="$(or $(SECONDS),1800)" SEED="$(or $(SEED),1)" ROUNDS="$(or $(ROUNDS),20)" \
	    BUILD="$(abspath $(BUILD))" sh tests/soak/run
	@[ -z "$(EVERY)" ] || EVERY=1 KILLED=2 BUILD="$(abspath $(BUILD))" LIMIT=36000 \
	    sh tests/run 65-round-points 65-round-helpers

bench: deps
	@$(MAKE) bench-programs
	@BUILD="$(abspath $(BUILD))" sh tests/bench/run $(T)

# Valgrind does not know the newest instructions of this processor.
profile: deps
	@$(MAKE) PORTABLE=1 profile-run

profile-run: all
	@BUILD="$(abspath $(BUILD))" sh tests/bench/profile $(T)

demo: deps
	@$(MAKE) all
	@PATH="$(abspath $(BUILD))/bin:$$PATH" $(MAKE) -C examples/three-sites
	@$(MAKE) demo-five

# In one sentence; with settings of its own, whatever the demo's are.
demo-five: export PATH := $(abspath $(BUILD))/bin:$(PATH)
demo-five: export MAKEFLAGS :=
demo-five:
	@printf '\nAnd where somebody drops out of a round, with helpers (examples/five-sites), in a minute:\n\n'
	@$(MAKE) --no-print-directory -C examples/five-sites run $(if $(OUT),OUT=$(OUT)-five) >/dev/null
	@$(MAKE) --no-print-directory -C examples/five-sites say $(if $(OUT),OUT=$(OUT)-five)

lint:
	@CC="$(CC)" sh tests/lint

fuzz: deps
	@clang=$$(command -v clang || command -v clang-14) || { \
	    echo "make: fuzzing needs clang; as root run: apt-get install -y clang" >&2; exit 2; }; \
	$(MAKE) BUILD=build/fuzz CC="$$clang" SAN=fuzzer-no-link,address,undefined PORTABLE=1 fuzz-run

fuzz-programs: $(FUZZ)

fuzz-run: fuzz-programs
	@BUILD="$(abspath $(BUILD))" sh tests/fuzz/run $(T)

model:
	@CC="$(CC)" sh lib/deps.sh tests
	@CC="$(CC)" sh tests/model/run $(T)

# Static, so that an emulator runs them anywhere. The tests are those that hold bytes as constants.
SAMEBYTES = $(addprefix $(BUILD)/tests/test_,chacha encode exact hash lane_words mask pair \
                ring rlwe_draw rlwe_vectors set sign sketch vectors verify words)
aarch64:
	@sh lib/deps.sh aarch64 "$(CURDIR)/build/aarch64"
	@$(MAKE) BUILD=build/aarch64 CC="$(CURDIR)/build/aarch64/cc" CFLAGS="-O3 -g" PORTABLE=1 SAN= VALGRIND= \
	    LDFLAGS=-static aarch64-programs

aarch64-programs: $(BIN) $(SAMEBYTES)

completions: all
	@for p in $(NAMES); do \
	    $(BUILD)/bin/$$p --completion bash > completions/$$p.bash && \
	    $(BUILD)/bin/$$p --completion zsh > completions/_$$p && \
	    $(BUILD)/bin/$$p --completion fish > completions/$$p.fish || exit 1; \
	done

install: all
	@install -d "$(DESTDIR)$(BINDIR)" "$(DESTDIR)$(BASHDIR)" "$(DESTDIR)$(ZSHDIR)" \
	    "$(DESTDIR)$(FISHDIR)"
	@for p in $(notdir $(BIN)); do \
	    install -m 755 $(BUILD)/bin/$$p "$(DESTDIR)$(BINDIR)" || exit 1; \
	done
	@for p in $(COMPLETED); do \
	    install -m 644 completions/$$p.bash "$(DESTDIR)$(BASHDIR)/$$p" && \
	    install -m 644 completions/_$$p "$(DESTDIR)$(ZSHDIR)" && \
	    install -m 644 completions/$$p.fish "$(DESTDIR)$(FISHDIR)" || exit 1; \
	done
	@for f in $(MAN); do \
	    install -d "$(DESTDIR)$(MANDIR)/man$${f##*.}" && \
	    install -m 644 "$$f" "$(DESTDIR)$(MANDIR)/man$${f##*.}" || exit 1; \
	done
	@for f in $(DOC); do \
	    mode=644; [ ! -x "$$f" ] || mode=755; \
	    install -d "$(DESTDIR)$(DOCDIR)/$$(dirname "$$f")" && \
	    install -m $$mode "$$f" "$(DESTDIR)$(DOCDIR)/$$f" || exit 1; \
	done
	@echo "$(words $(BIN)) programs       $(DESTDIR)$(BINDIR)"
	@echo "$(words $(MAN)) manual pages   $(DESTDIR)$(MANDIR) (man fl is the tour)"
	@echo "completions       $(DESTDIR)$(BASHDIR), $(DESTDIR)$(ZSHDIR), $(DESTDIR)$(FISHDIR)"
	@echo "README, examples  $(DESTDIR)$(DOCDIR)"

uninstall:
	@for p in $(notdir $(BIN)); do rm -f "$(DESTDIR)$(BINDIR)/$$p" "$(DESTDIR)$(BASHDIR)/$$p" \
	    "$(DESTDIR)$(ZSHDIR)/_$$p" "$(DESTDIR)$(FISHDIR)/$$p.fish"; done
	@for f in $(MAN); do rm -f "$(DESTDIR)$(MANDIR)/man$${f##*.}/$${f#man/}"; done
	@for f in $(DOC); do rm -f "$(DESTDIR)$(DOCDIR)/$$f"; done
	@find "$(DESTDIR)$(DOCDIR)" -depth -type d -empty -delete 2>/dev/null || :

clean:
	rm -rf build
