# litekeeper. `make help` lists what there is to make.

VARIANT ?= release
prefix ?= /usr/local
CC ?= cc
SQLITE ?=
VERSION := 0.1.0
BUILD := build/$(VARIANT)$(if $(SQLITE),-own-sqlite)

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wmissing-prototypes -Wstrict-prototypes \
	-Wwrite-strings -Wpointer-arith -Wvla -Wformat=2 -Werror
VARIANT_release := -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
VARIANT_debug := -O0 -g3
VARIANT_san := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
VARIANT_fuzz := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer -w
LINK_release := -pie -Wl,-z,relro,-z,now
LINK_san := -fsanitize=address,undefined
LINK_fuzz := -fsanitize=fuzzer,address,undefined

# Asked at first use, not while this file is read: `dependencies` may have to install them first.
PACKAGES := $(if $(SQLITE),,sqlite3) libuv yaml-0.1 jansson libzstd nettle
once = $(eval $1 := $(shell $2))$($1)
PACKAGE_CFLAGS = $(call once,PACKAGE_CFLAGS,pkg-config --cflags $(PACKAGES))
PACKAGE_LIBS = $(call once,PACKAGE_LIBS,pkg-config --libs $(PACKAGES))
CHECK_CFLAGS = $(call once,CHECK_CFLAGS,pkg-config --cflags check)
CHECK_LIBS = $(call once,CHECK_LIBS,pkg-config --libs check)

CFLAGS_ALL = -std=c11 -D_GNU_SOURCE -DVERSION='"$(VERSION)"' $(INCLUDES) $(WARNINGS) \
	$(VARIANT_$(VARIANT)) $(if $(SQLITE),-isystem $(SQLITE)) $(PACKAGE_CFLAGS) $(CFLAGS)
LIBS_ALL = $(PACKAGE_LIBS) -lm -lpthread -ldl

# One line a file; `make -n` shows the whole commands.
say = @printf '  %-5s %s\n' $1 $2; mkdir -p $(@D)
LINK = $(call say,LINK,$@); $(CC) $(LINK_$(VARIANT)) $(LDFLAGS) -o $@ $(filter %.o,$^) \
	$(filter %.a,$^)

objects = $(patsubst %.c,$(BUILD)/%.o,$(wildcard $1))
LIBRARY := $(BUILD)/liblitekeeper.a
LIB_OBJECTS := $(call objects,lib/*.c) $(if $(SQLITE),$(BUILD)/sqlite3.o)
DAEMON_OBJECTS := $(call objects,daemon/*.c)
TESTS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/test_*.c))
TEST_SHARED := $(BUILD)/tests/shared.a
FIELD_PROGRAMS := seed-database application demo bench fleet timelapse
FIELD := $(FIELD_PROGRAMS:%=$(BUILD)/field/%)
FIELD_MAINS := $(patsubst %,$(BUILD)/tests/field/%.o,$(subst -,_,$(FIELD_PROGRAMS)))
FIELD_SHARED := $(filter-out $(FIELD_MAINS),$(call objects,tests/field/*.c))

all: $(BUILD)/litekeeper ## the program, in build/VARIANT

$(BUILD)/litekeeper: $(DAEMON_OBJECTS) $(LIBRARY)
	$(LINK) $(LIBS_ALL)

$(LIBRARY): $(LIB_OBJECTS)
	$(call say,AR,$@); rm -f $@; ar rcs $@ $^

$(BUILD)/%.o: %.c | dependencies
	$(call say,CC,$<); $(CC) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

$(BUILD)/lib/%.o: INCLUDES := -Ilib
$(BUILD)/daemon/%.o: INCLUDES := -Ilib -Idaemon
$(BUILD)/docs/%.o: INCLUDES := -Ilib
$(BUILD)/tests/%.o: INCLUDES = -Ilib -Idaemon -Itests $(CHECK_CFLAGS)
$(BUILD)/tests/field/%.o: INCLUDES := -Ilib -I$(BUILD)/tests/field

# What an amalgamation needs to serve like Debian's library, and sqlite_dbpage besides.
$(BUILD)/sqlite3.o: $(SQLITE)/sqlite3.c | dependencies
	$(call say,CC,$<); $(CC) -O2 -g -fPIE -w -c -o $@ $< -DSQLITE_THREADSAFE=1 -DHAVE_FDATASYNC=1 -DHAVE_USLEEP=1 \
		-DSQLITE_ENABLE_DBSTAT_VTAB -DSQLITE_ENABLE_DBPAGE_VTAB -DSQLITE_SECURE_DELETE \
		-DSQLITE_ENABLE_COLUMN_METADATA -DSQLITE_ENABLE_UPDATE_DELETE_LIMIT \
		-DSQLITE_ENABLE_FTS3 -DSQLITE_ENABLE_FTS4 -DSQLITE_ENABLE_FTS5 \
		-DSQLITE_ENABLE_RTREE -DSQLITE_ENABLE_MATH_FUNCTIONS

# Tests: tests/test_NAME.c is one Check program each; tests/lib_*.c is what they share.
$(BUILD)/tests/test_%: $(BUILD)/tests/test_%.o $(TEST_SHARED) \
		$(filter-out $(BUILD)/daemon/main.o,$(DAEMON_OBJECTS)) $(LIBRARY)
	$(LINK) $(CHECK_LIBS) $(LIBS_ALL)

$(TEST_SHARED): $(call objects,tests/lib_*.c)
	$(call say,AR,$@); rm -f $@; ar rcs $@ $^

$(BUILD)/tests/test_field $(BUILD)/tests/test_indexes_live: $(FIELD_SHARED)

# A litekeeper whose clock can be set.
ADRIFT_WRAPS := clock_gettime timerfd_settime adjtimex read
$(BUILD)/adrift: $(DAEMON_OBJECTS) $(BUILD)/tests/adrift.o $(LIBRARY)
	$(LINK) $(ADRIFT_WRAPS:%=-Wl,--wrap=%) $(LIBS_ALL)

$(BUILD)/tests/test_daemon_clock: | $(BUILD)/adrift

# A litekeeper whose writes are short, and whose reads and writes may fail.
$(BUILD)/stingy: $(DAEMON_OBJECTS) $(BUILD)/tests/stingy.o $(LIBRARY)
	$(LINK) -Wl,--wrap=write -Wl,--wrap=read $(LIBS_ALL)

$(BUILD)/tests/test_archive_faults $(BUILD)/tests/test_vacuum_online_faults: | $(BUILD)/stingy

# A litekeeper that records what it does to its files, and a test whose children do.
RECORDER_WRAPS := pwrite pwrite64 ftruncate ftruncate64 fsync fdatasync unlink
$(BUILD)/recorder: $(DAEMON_OBJECTS) $(BUILD)/tests/recorder.o $(LIBRARY)
	$(LINK) $(RECORDER_WRAPS:%=-Wl,--wrap=%) $(LIBS_ALL)

$(BUILD)/tests/test_vacuum_online_power: LDFLAGS += $(RECORDER_WRAPS:%=-Wl,--wrap=%)
$(BUILD)/tests/test_vacuum_online_power: $(BUILD)/tests/recorder.o | $(BUILD)/recorder

# An application whose SQLite library can be another one: a shared one, before an amalgamation, and
# so old that it lacks functions which are never called.
$(BUILD)/stranger: $(BUILD)/tests/stranger.o $(TEST_SHARED) $(LIBRARY)
	$(call say,LINK,$@); $(CC) $(LINK_$(VARIANT)) -Wl,-z,lazy $(LDFLAGS) -o $@ \
		$(filter-out $(LIBRARY),$^) $$(pkg-config --libs sqlite3) $(LIBRARY) $(CHECK_LIBS) $(LIBS_ALL)

$(BUILD)/tests/test_rebuild_matrix $(BUILD)/tests/test_vacuum_online_crash: | $(BUILD)/stranger

# The field: a real database and a real application beside it. Its SQL is compiled in.
.SECONDEXPANSION:
$(FIELD): $(BUILD)/field/%: $(BUILD)/tests/field/$$(subst -,_,$$*).o $(FIELD_SHARED) $(LIBRARY)
	$(LINK) $(LIBS_ALL)

# The daemon itself, in a time of its own.
$(BUILD)/field/timelapse: $(filter-out $(BUILD)/daemon/main.o,$(DAEMON_OBJECTS))
$(BUILD)/tests/field/timelapse.o: INCLUDES += -Idaemon

$(BUILD)/tests/field/seed_database.o: $(BUILD)/tests/field/worklog_tables.h \
	$(BUILD)/tests/field/worklog_rows.h
$(BUILD)/tests/field/%.h: tests/field/%.sql Makefile
	$(call say,SQL,$<); { echo 'static const char $*[] ='; \
		sed -e 's/[\\"]/\\&/g' -e 's/.*/"&\\n"/' $<; echo ';'; } > $@

test: all $(FIELD) $(TESTS) ## builds and runs all tests
	@BUILD=$(BUILD) VARIANT=$(VARIANT) tests/run $(TESTS)

# Those that Debian 12's SQLite can't serve: they are left out of the above there.
ONLINE_TESTS := $(shell grep -lE 'online_main|lib_proven|pageedit_available' tests/test_*.c)

test-online: ## the tests of what needs another SQLite, with one that is fetched for them
	@tests/field/fetch-sqlite build/sqlite
	@$(MAKE) --no-print-directory SQLITE=build/sqlite test TESTS='$(ONLINE_TESTS:%.c=build/$(VARIANT)-own-sqlite/%)'

man: docs/litekeeper.yaml.5 ## the manual's tables of options, from the rows that the program uses

docs/litekeeper.yaml.5: docs/litekeeper.yaml.5.in $(BUILD)/docs/options
	$(BUILD)/docs/options <$< >$@.new && mv $@.new $@

$(BUILD)/docs/options: $(BUILD)/docs/options.o $(LIBRARY)
	$(LINK) $(LIBS_ALL)

demo: all $(FIELD) ## litekeeper on the seed's database beside a working application
	@$(BUILD)/field/demo --build $(BUILD) --folder build/demo

demo-journal: all $(FIELD) ## what systemd and its journal say of it, in a systemd of its own; as root
	@tests/field/demo-journal $(BUILD)

bench: all $(FIELD) ## today's one statement against litekeeper; BENCH= takes the bench's options
	@$(BUILD)/field/bench --build $(BUILD) --folder build/bench $(BENCH)

bench-fleet: all $(FIELD) ## what the daemon costs with 100 to 10,000 databases; FLEET= its options
	@$(BUILD)/field/fleet --build $(BUILD) --folder build/fleet $(FLEET)

timelapse: all $(FIELD) ## a year of the daemon on a growing database; TIMELAPSE= its options
	@$(BUILD)/field/timelapse --build $(BUILD) --folder build/timelapse $(TIMELAPSE)

# Fuzzers, in a build of their own: clang's, with what the sanitizers find. Warnings are gcc's.
FUZZ_SECONDS ?= 60
FUZZ_CC ?= clang
FUZZERS := $(patsubst tests/fuzz/%.c,build/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))

fuzz: dependencies ## feeds the parsers with anything, each for FUZZ_SECONDS
	@$(MAKE) --no-print-directory VARIANT=fuzz CC='$(FUZZ_CC)' $(FUZZERS)
	@tests/fuzz/run build/fuzz $(FUZZ_SECONDS) $(FUZZERS)

build/fuzz/fuzz_%: build/fuzz/tests/fuzz/fuzz_%.o build/fuzz/daemon/request.o \
		build/fuzz/liblitekeeper.a
	$(LINK) $(LIBS_ALL)

build/fuzz/tests/fuzz/%.o: INCLUDES = -Ilib -Idaemon

lint: dependencies ## layout, style and static analysis
	@tests/lint/run

install: all ## into DESTDIR and prefix
	@tools/install put $(BUILD) '$(DESTDIR)' '$(prefix)'

uninstall: ## removes what install put there; policy and history stay
	@tools/install remove $(BUILD) '$(DESTDIR)' '$(prefix)'

deps: dependencies ## installs what is missing to build, test, demo and lint
deps: DEPS := install build test lint

# Everything built waits for this; by itself `make` only looks, and says what is missing.
DEPS := check build
bench bench-fleet timelapse demo demo-journal: DEPS := install build
test: DEPS := install build test
lint: DEPS := install build test lint
fuzz: DEPS := install build fuzz
dependencies:
	@tools/deps $(DEPS)

clean: ## removes build/
	rm -rf build

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1 \t/p' Makefile | expand -t 16
	@echo "VARIANT=debug|release|san   FUZZ_SECONDS=   SQLITE=FOLDER (an amalgamation)   prefix=   DESTDIR="

.PHONY: all test test-online man demo demo-journal bench bench-fleet timelapse fuzz lint install uninstall deps \
	dependencies clean help
.SECONDARY:
.DELETE_ON_ERROR:
-include $(wildcard $(BUILD)/*/*.d $(BUILD)/*/*/*.d)
