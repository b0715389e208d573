/* The rows of the table of events. The order of the keys is the order in which they are printed. */
#include "event_table.h"

#include "event.h"

enum { NAME = 1024, PATH = 4096, REASON = OUTCOME_REASON };

static const char *const outcomes[] = {"done", "skipped", "failed", "cancelled", NULL};
static const char *const guards[] = {OUTCOME_GUARD_CLOCK, OUTCOME_GUARD_FILE, NULL};
static const char *const decisions[] = {"act", "skip", NULL};
static const char *const trees[] = {"table", "index", NULL};
static const char *const segments[] = {"written", "done", "undone", "removed", NULL};
static const char *const manifests[] = {"writing", "written", "deleting", "settled",
                                        "done",    "removed", NULL};
static const char *const openings[] = {"found", "made", "replaced", NULL};

/* clang-format off */
#define SUBJECT                                    \
    {"database", EVENT_TEXT, 0,          PATH, NULL, NULL}, \
    {"task",     EVENT_TEXT, 0,          NAME, NULL, NULL}, \
    {"target",   EVENT_TEXT, EVENT_NULL, NAME, NULL, NULL}

static const struct event_key lock_keys[] = {
    {"count",    EVENT_COUNT,  0, 0, NULL, NULL},
    {"max_ms",   EVENT_NUMBER, 0, 0, NULL, NULL},
    {"p99_ms",   EVENT_NUMBER, 0, 0, NULL, NULL},
    {"total_ms", EVENT_NUMBER, 0, 0, NULL, NULL},
    {0},
};

static const struct event_key outcome_keys[] = {
    SUBJECT,
    {"outcome",     EVENT_CHOICE, 0,              0,      outcomes, NULL},
    {"reason",      EVENT_TEXT,   0,              REASON, NULL,     NULL},
    {"rows",        EVENT_COUNT,  0,              0,      NULL,     NULL},
    {"bytes_freed", EVENT_COUNT,  0,              0,      NULL,     NULL},
    {"seconds",     EVENT_NUMBER, 0,              0,      NULL,     NULL},
    {"busy",        EVENT_FLAG,   EVENT_OPTIONAL, 0,      NULL,     NULL},
    {"waits",       EVENT_FLAG,   EVENT_OPTIONAL, 0,      NULL,     NULL},
    {"guard",       EVENT_CHOICE, EVENT_OPTIONAL, 0,      guards,   NULL},
    {"settled",     EVENT_FLAG,   EVENT_OPTIONAL, 0,      NULL,     NULL},
    {"lock",        EVENT_RECORD, 0,              0,      NULL,     lock_keys},
    {"effect",      EVENT_FREE,   EVENT_NULL,     0,      NULL,     NULL},
    {0},
};

static const struct event_key plan_keys[] = {
    SUBJECT,
    {"due",      EVENT_TEXT,   EVENT_NULL,     NAME,   NULL,      NULL},
    {"decision", EVENT_CHOICE, 0,              0,      decisions, NULL},
    {"reason",   EVENT_TEXT,   0,              REASON, NULL,      NULL},
    {"rows",     EVENT_COUNT,  EVENT_NULL,     0,      NULL,      NULL},
    {"bytes",    EVENT_COUNT,  EVENT_NULL,     0,      NULL,      NULL},
    {"seconds",  EVENT_NUMBER, EVENT_NULL,     0,      NULL,      NULL},
    {"waits",    EVENT_FLAG,   EVENT_OPTIONAL, 0,      NULL,      NULL},
    {0},
};

static const struct event_key progress_keys[] = {
    SUBJECT,
    {"rows",       EVENT_COUNT,  0,          0, NULL, NULL},
    {"unit",       EVENT_TEXT,   EVENT_OPTIONAL, 16, NULL, NULL},
    {"total",      EVENT_COUNT,  EVENT_NULL, 0, NULL, NULL},
    {"rate",       EVENT_NUMBER, 0,          0, NULL, NULL},
    {"eta_s",      EVENT_NUMBER, EVENT_NULL, 0, NULL, NULL},
    {"lock_share", EVENT_SHARE,  0,          0, NULL, NULL},
    {0},
};

static const struct event_key notice_keys[] = {
    SUBJECT,
    {"text", EVENT_TEXT, 0, NAME, NULL, NULL},
    {0},
};

/* What the catalogue of archives is told, and waited for. */
static const struct event_key segment_keys[] = {
    SUBJECT,
    {"state",           EVENT_CHOICE, 0,          0,    segments, NULL},
    {"directory",       EVENT_EXACT,  0,          PATH, NULL,     NULL},
    {"file",            EVENT_EXACT,  0,          PATH, NULL,     NULL},
    {"rows",            EVENT_COUNT,  0,          0,    NULL,     NULL},
    {"bytes",           EVENT_COUNT,  0,          0,    NULL,     NULL},
    {"sha256",          EVENT_EXACT,  0,          64,   NULL,     NULL},
    {"sha256_rows",     EVENT_EXACT,  0,          64,   NULL,     NULL},
    {"manifest_sha256", EVENT_EXACT,  EVENT_NULL, 64,   NULL,     NULL},
    {"first_us",        EVENT_TIME,   0,          0,    NULL,     NULL},
    {"last_us",         EVENT_TIME,   0,          0,    NULL,     NULL},
    {"cutoff_us",       EVENT_TIME,   0,          0,    NULL,     NULL},
    {"held",            EVENT_EXACT,  EVENT_OPTIONAL, 64, NULL,   NULL}, /* holds_digest */
    {"path",            EVENT_TEXT,   EVENT_OPTIONAL | EVENT_NULL, PATH, NULL, NULL},
    {"rebuilt",         EVENT_FLAG,   EVENT_OPTIONAL, 0, NULL,    NULL}, /* from its manifest */
    {0},
};

/* What lies in a table's archive; what is null can't be read. */
static const struct event_key shelved_keys[] = {
    {"file",            EVENT_TEXT,   0,          PATH,   NULL,      NULL}, /* in the directory */
    {"problem",         EVENT_TEXT,   EVENT_NULL, REASON, NULL,      NULL},
    {"there",           EVENT_FLAG,   0,          0,      NULL,      NULL}, /* it has a file */
    {"checked",         EVENT_FLAG,   0,          0,      NULL,      NULL}, /* which is right */
    {"changing",        EVENT_FLAG,   0,          0,      NULL,      NULL},
    {"state",           EVENT_CHOICE, EVENT_NULL, 0,      manifests, NULL},
    {"database",        EVENT_TEXT,   EVENT_NULL, PATH,   NULL,      NULL},
    {"table",           EVENT_TEXT,   EVENT_NULL, NAME,   NULL,      NULL},
    {"follows",         EVENT_TEXT,   EVENT_NULL, NAME,   NULL,      NULL}, /* see archived_keys */
    {"path",            EVENT_TEXT,   EVENT_NULL, PATH,   NULL,      NULL}, /* the database's */
    {"rows",            EVENT_COUNT,  0,          0,      NULL,      NULL},
    {"bytes",           EVENT_COUNT,  0,          0,      NULL,      NULL},
    {"sha256",          EVENT_TEXT,   0,          64,     NULL,      NULL},
    {"sha256_rows",     EVENT_TEXT,   0,          64,     NULL,      NULL},
    {"manifest_sha256", EVENT_TEXT,   0,          64,     NULL,      NULL},
    {"first_us",        EVENT_TIME,   0,          0,      NULL,      NULL},
    {"last_us",         EVENT_TIME,   0,          0,      NULL,      NULL},
    {"cutoff_us",       EVENT_TIME,   0,          0,      NULL,      NULL},
    {"removed_us",      EVENT_TIME,   0,          0,      NULL,      NULL},
    {0},
};

/* A table that has an archive. */
static const struct event_key archived_keys[] = {
    {"table",   EVENT_TEXT, 0,          NAME, NULL, NULL},
    {"follows", EVENT_TEXT, EVENT_NULL, NAME, NULL, NULL}, /* the one whose rows were old */
    {0},
};

static const struct event_key rows_keys[] = {
    {"text", EVENT_RAW, 0, EVENT_ROWS, NULL, NULL}, /* lines of JSON, cut anywhere */
    {0},
};

/* Which SQLite the application writes with: likewise. */
static const struct event_key writer_keys[] = {
    SUBJECT,
    {"version", EVENT_COUNT, 0, 0, NULL, NULL},
    {"ours",    EVENT_COUNT, 0, 0, NULL, NULL},
    {"at_us",   EVENT_TIME,  0, 0, NULL, NULL},
    {"inode",   EVENT_BITS,  0, 0, NULL, NULL},
    {0},
};

/* What retention shall leave alone: likewise; and as the history lists it. */
static const struct event_key hold_keys[] = {
    SUBJECT,
    {"path",     EVENT_TEXT, EVENT_OPTIONAL, PATH, NULL, NULL},
    {"first_us", EVENT_TIME, 0,              0,    NULL, NULL},
    {"last_us",  EVENT_TIME, 0,              0,    NULL, NULL},
    {"set_us",   EVENT_TIME, EVENT_OPTIONAL, 0,    NULL, NULL},
    {0},
};

static const struct event_key btree_keys[] = {
    {"name",           EVENT_TEXT,   0,                           NAME, NULL,  NULL},
    {"type",           EVENT_CHOICE, 0,                           0,    trees, NULL},
    {"table",          EVENT_TEXT,   0,                           NAME, NULL,  NULL},
    {"root",           EVENT_COUNT,  0,                           0,    NULL,  NULL},
    {"depth",          EVENT_COUNT,  0,                           0,    NULL,  NULL},
    {"interior_pages", EVENT_COUNT,  0,                           0,    NULL,  NULL},
    {"leaf_pages",     EVENT_COUNT,  0,                           0,    NULL,  NULL},
    {"overflow_pages", EVENT_COUNT,  0,                           0,    NULL,  NULL},
    {"overflow_error", EVENT_COUNT,  EVENT_OPTIONAL | EVENT_NULL, 0,    NULL,  NULL},
    {"leaves_read",    EVENT_COUNT,  EVENT_OPTIONAL | EVENT_NULL, 0,    NULL,  NULL},
    {"entries",        EVENT_COUNT,  EVENT_OPTIONAL | EVENT_NULL, 0,    NULL,  NULL},
    {"entry_bytes",    EVENT_NUMBER, EVENT_OPTIONAL | EVENT_NULL, 0,    NULL,  NULL},
    {"bytes",          EVENT_COUNT,  0,                           0,    NULL,  NULL},
    {"fragmentation",  EVENT_SHARE,  EVENT_NULL,                  0,    NULL,  NULL},
    {"density",        EVENT_SHARE,  EVENT_NULL,                  0,    NULL,  NULL},
    {"error",          EVENT_TEXT,   EVENT_OPTIONAL | EVENT_NULL, NAME, NULL,  NULL},
    {0},
};

static const struct event_key sqlite_keys[] = {
    {"version",                   EVENT_TEXT, 0,              NAME, NULL, NULL},
    {"wal_reset_bug",             EVENT_FLAG, 0,              0,    NULL, NULL},
    {"last_writer_version",       EVENT_TEXT, EVENT_NULL,     NAME, NULL, NULL},
    {"last_writer_wal_reset_bug", EVENT_FLAG, EVENT_OPTIONAL, 0,    NULL, NULL},
    {0},
};

static const struct event_key inspection_keys[] = {
    {"path",           EVENT_TEXT,   0,                           PATH, NULL, NULL},
    {"page_size",      EVENT_COUNT,  0,                           0,    NULL, NULL},
    {"pages",          EVENT_COUNT,  0,                           0,    NULL, NULL},
    {"free_pages",     EVENT_COUNT,  0,                           0,    NULL, NULL},
    {"wal_bytes",      EVENT_COUNT,  0,                           0,    NULL, NULL},
    {"journal_mode",   EVENT_TEXT,   0,                           NAME, NULL, NULL},
    {"auto_vacuum",    EVENT_TEXT,   0,                           NAME, NULL, NULL},
    {"sqlite",         EVENT_RECORD, 0,                           0,    NULL, sqlite_keys},
    {"pages_read",     EVENT_COUNT,  0,                           0,    NULL, NULL},
    {"approximate",    EVENT_FLAG,   EVENT_OPTIONAL,              0,    NULL, NULL},
    {"freelist_error", EVENT_TEXT,   EVENT_OPTIONAL | EVENT_NULL, NAME, NULL, NULL},
    {0},
};

static const struct event_key found_keys[] = {
    {"path",   EVENT_EXACT, 0, PATH, NULL, NULL},
    {"device", EVENT_BITS,  0, 0,    NULL, NULL},
    {"inode",  EVENT_BITS,  0, 0,    NULL, NULL},
    {"owner",  EVENT_COUNT, 0, 0,    NULL, NULL},
    {"group",  EVENT_COUNT, 0, 0,    NULL, NULL},
    {0},
};

static const struct event_key refused_keys[] = {
    {"path",   EVENT_TEXT, 0, PATH,   NULL, NULL},
    {"reason", EVENT_TEXT, 0, REASON, NULL, NULL},
    {0},
};

static const struct event_key searched_keys[] = {
    {"digest", EVENT_EXACT, 0, NAME, NULL, NULL},
    {"same",   EVENT_FLAG,  0, 0,    NULL, NULL},
    {0},
};

static const struct event_key clock_keys[] = {
    {"newest_us",        EVENT_TIME,   EVENT_NULL,                  0, NULL, NULL},
    {"boot_offset_us",   EVENT_TIME,   EVENT_NULL,                  0, NULL, NULL},
    {"was_synchronised", EVENT_FLAG,   0,                           0, NULL, NULL},
    {"last_us",          EVENT_TIME,   EVENT_OPTIONAL,              0, NULL, NULL},
    {"last_seconds",     EVENT_NUMBER, EVENT_OPTIONAL,              0, NULL, NULL},
    {"last_effect",      EVENT_FREE,   EVENT_OPTIONAL | EVENT_NULL, 0, NULL, NULL},
    {"sound",            EVENT_FREE,   EVENT_OPTIONAL,              0, NULL, NULL},
    {"writer",           EVENT_FREE,   EVENT_OPTIONAL,              0, NULL, NULL},
    {"held",             EVENT_FREE,   EVENT_OPTIONAL | EVENT_NULL, 0, NULL, NULL},
    {"seen_us",          EVENT_TIME,   EVENT_OPTIONAL | EVENT_NULL, 0, NULL, NULL},
    {"started_us",       EVENT_TIME,   EVENT_OPTIONAL | EVENT_NULL, 0, NULL, NULL},
    {0},
};

static const struct event_key state_keys[] = {
    {"path",       EVENT_TEXT,   0,          PATH, NULL,     NULL},
    {"task",       EVENT_TEXT,   0,          NAME, NULL,     NULL},
    {"target",     EVENT_TEXT,   EVENT_NULL, NAME, NULL,     NULL},
    {"seen_us",    EVENT_TIME,   0,          0,    NULL,     NULL},
    {"started_us", EVENT_TIME,   EVENT_NULL, 0,    NULL,     NULL},
    {"failures",   EVENT_COUNT,  0,          0,    NULL,     NULL},
    {"outcome",    EVENT_CHOICE, EVENT_NULL, 0,    outcomes, NULL},
    {0},
};

/* An outcome that is remembered. */
static const struct event_key run_keys[] = {
    {"path",        EVENT_TEXT,   0,              PATH,   NULL,     NULL},
    {"started_us",  EVENT_TIME,   0,              0,      NULL,     NULL},
    SUBJECT,
    {"outcome",     EVENT_CHOICE, 0,              0,      outcomes, NULL},
    {"reason",      EVENT_TEXT,   0,              REASON, NULL,     NULL},
    {"rows",        EVENT_COUNT,  0,              0,      NULL,     NULL},
    {"bytes_freed", EVENT_COUNT,  0,              0,      NULL,     NULL},
    {"seconds",     EVENT_NUMBER, 0,              0,      NULL,     NULL},
    {"busy",        EVENT_FLAG,   EVENT_OPTIONAL, 0,      NULL,     NULL},
    {"waits",       EVENT_FLAG,   EVENT_OPTIONAL, 0,      NULL,     NULL},
    {"lock",        EVENT_RECORD, 0,              0,      NULL,     lock_keys},
    {"effect",      EVENT_FREE,   EVENT_NULL,     0,      NULL,     NULL},
    {0},
};

static const struct event_key file_keys[] = {
    {"path",   EVENT_TEXT, 0, PATH, NULL, NULL},
    {"device", EVENT_BITS, 0, 0,    NULL, NULL},
    {"inode",  EVENT_BITS, 0, 0,    NULL, NULL},
    {0},
};

static const struct event_key alarm_keys[] = {
    {"database",  EVENT_TEXT,   EVENT_NULL, PATH,   NULL, NULL},
    {"path",      EVENT_TEXT,   EVENT_NULL, PATH,   NULL, NULL},
    {"metric",    EVENT_TEXT,   0,          NAME,   NULL, NULL},
    {"subject",   EVENT_TEXT,   EVENT_NULL, NAME,   NULL, NULL},
    {"severity",  EVENT_TEXT,   0,          NAME,   NULL, NULL},
    {"value",     EVENT_NUMBER, EVENT_NULL, 0,      NULL, NULL},
    {"threshold", EVENT_NUMBER, EVENT_NULL, 0,      NULL, NULL},
    {"text",      EVENT_TEXT,   0,          REASON, NULL, NULL},
    {"raised_us", EVENT_TIME,   0,          0,      NULL, NULL},
    {"told_us",   EVENT_TIME,   0,          0,      NULL, NULL},
    {0},
};

static const struct event_key pause_keys[] = {
    {"database", EVENT_TEXT, EVENT_NULL, PATH, NULL, NULL},
    {"task",     EVENT_TEXT, EVENT_NULL, NAME, NULL, NULL},
    {"until_us", EVENT_TIME, 0,          0,    NULL, NULL},
    {0},
};

static const struct event_key listed_keys[] = {
    {"fresh", EVENT_FLAG, EVENT_OPTIONAL, 0, NULL, NULL},
    {0},
};

static const struct event_key opened_keys[] = {
    {"found", EVENT_CHOICE, 0, 0, openings, NULL},
    {0},
};

static const struct event_key unwritten_keys[] = {
    {"reason", EVENT_TEXT, 0,              REASON, NULL, NULL},
    {"later",  EVENT_FLAG, EVENT_OPTIONAL, 0,      NULL, NULL},
    {0},
};

static const struct event_key no_keys[] = {{0}};

const struct event_row event_table[] = {
    {"progress",   progress_keys},
    {"plan",       plan_keys},
    {"outcome",    outcome_keys},
    {"notice",     notice_keys},
    {"segment",    segment_keys}, /* the worker waits for {"recorded":true}, or false and "reason" */
    {"hold",       hold_keys},    /* likewise */
    {"writer",     writer_keys},  /* likewise */
    {"archived",   archived_keys},
    {"shelved",    shelved_keys},
    {"rows",       rows_keys},
    {"btree",      btree_keys},
    {"inspection", inspection_keys},
    {"found",      found_keys},
    {"refused",    refused_keys},
    {"ready",      no_keys}, /* the job is done, and the worker stays for another */
    {"searched",   searched_keys},
    {"clock",      clock_keys},     /* the history's answers: to "clock", ... */
    {"recorded",   no_keys},        /* ... to what it has written, ... */
    {"unwritten",  unwritten_keys}, /* ... and to what it could not */
    {"listed",     listed_keys},
    {"opened",     opened_keys},
    {"state",      state_keys}, /* and their rows */
    {"file",       file_keys},
    {"run",        run_keys},
    {"alarm",      alarm_keys},
    {"pause",      pause_keys},
    {NULL, NULL},
};
/* clang-format on */
