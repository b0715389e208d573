# litekeeper. `make help` lists what there is to make.

VARIANT ?= release
prefix ?= /usr/local
CC ?= cc
SQLITE ?=

BUILD := build/$(VARIANT)$(if $(SQLITE),-own-sqlite)
PACKAGES := $(if $(SQLITE),,sqlite3) libuv yaml-0.1 jansson libsystemd
VERSION := 0.1.0

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wmissing-prototypes -Wstrict-prototypes \
	-Wwrite-strings -Wpointer-arith -Wvla -Wformat=2 -Werror
VARIANT_release := -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
VARIANT_debug := -O0 -g3
VARIANT_san := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
LINK_release := -pie -Wl,-z,relro,-z,now
LINK_san := -fsanitize=address,undefined

CFLAGS_ALL = -std=c11 -D_GNU_SOURCE -DVERSION='"$(VERSION)"' -Ilib -Idaemon $(WARNINGS) \
	$(VARIANT_$(VARIANT)) $(if $(SQLITE),-isystem $(SQLITE)) $(shell pkg-config --cflags $(PACKAGES)) \
	$(CFLAGS)
LIBS_ALL = $(shell pkg-config --libs $(PACKAGES)) -lm -lpthread $(if $(SQLITE),-ldl)

LIB_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(wildcard lib/*.c)) $(if $(SQLITE),$(BUILD)/sqlite3.o)
DAEMON_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(wildcard daemon/*.c))

all: $(BUILD)/litekeeper

$(BUILD)/litekeeper: $(DAEMON_OBJECTS) $(BUILD)/liblitekeeper.a
	$(CC) $(LINK_$(VARIANT)) $(LDFLAGS) -o $@ $^ $(LIBS_ALL)

$(BUILD)/liblitekeeper.a: $(LIB_OBJECTS)
	rm -f $@
	ar rcs $@ $^

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

# What an amalgamation needs to serve like Debian's library, and sqlite_dbpage besides.
$(BUILD)/sqlite3.o: $(SQLITE)/sqlite3.c
	@mkdir -p $(@D)
	$(CC) -O2 -g -fPIE -w -DSQLITE_ENABLE_DBSTAT_VTAB -DSQLITE_ENABLE_DBPAGE_VTAB \
		-DSQLITE_ENABLE_COLUMN_METADATA -DSQLITE_SECURE_DELETE -DSQLITE_ENABLE_FTS3 \
		-DSQLITE_ENABLE_FTS4 -DSQLITE_ENABLE_FTS5 -DSQLITE_ENABLE_RTREE -DSQLITE_ENABLE_MATH_FUNCTIONS \
		-DSQLITE_ENABLE_UPDATE_DELETE_LIMIT -DSQLITE_THREADSAFE=1 -c -o $@ $<

# Tests: tests/test_NAME.c is one Check program each; tests/lib_*.c is what they share.
TEST_SHARED := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/lib_*.c))
TESTS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/test_*.c))
DAEMON_PARTS := $(filter-out $(BUILD)/daemon/main.o,$(DAEMON_OBJECTS))

$(BUILD)/tests/%.o: CFLAGS_ALL += -Itests $(shell pkg-config --cflags check 2>/dev/null)
$(BUILD)/tests/test_%: $(BUILD)/tests/test_%.o $(TEST_SHARED) $(DAEMON_PARTS) $(BUILD)/liblitekeeper.a
	$(CC) $(LINK_$(VARIANT)) $(LDFLAGS) -o $@ $^ $(shell pkg-config --libs check) $(LIBS_ALL)

clean:
	rm -rf build

.PHONY: all clean
.SECONDARY:
-include $(wildcard $(BUILD)/*/*.d)
