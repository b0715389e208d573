/* Manifests as JSON. Values only. */
#include "archive_manifest.h"

#include "memory.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

enum { MANIFEST_FORMAT = 1 };

static const char *const manifest_states[] = {
    [MANIFEST_WRITING] = "writing",   [MANIFEST_WRITTEN] = "written",
    [MANIFEST_DELETING] = "deleting", [MANIFEST_SETTLED] = "settled",
    [MANIFEST_DONE] = "done",         [MANIFEST_REMOVED] = "removed"};

void archive_manifest_free(struct archive_manifest *manifest)
{
    free(manifest->part);
    free(manifest->name);
    free(manifest->store);
    json_decref(manifest->about);
    json_decref(manifest->first_key);
    json_decref(manifest->last_key);
    *manifest = (struct archive_manifest){0};
}

const char *archive_manifest_state(enum manifest_state state)
{
    return manifest_states[state];
}

static json_t *manifest_columns(const struct archive_columns *columns)
{
    json_t *list = json_array();

    for (size_t i = 0; i < columns->count; i++) {
        const struct archive_column *column = &columns->list[i];
        json_t *entry = json_pack("{s:s, s:s}", "name", column->name, "type", column->type);
        if (column->hidden)
            json_object_set_new(entry, "rowid", json_true());
        if (column->generated)
            json_object_set_new(entry, "generated", json_true());
        json_array_append_new(list, entry);
    }
    return list;
}

static json_t *manifest_key(const struct archive_columns *columns)
{
    json_t *key = json_array();

    for (size_t i = 0; i < columns->key_count; i++)
        json_array_append_new(key, json_string(columns->list[columns->key[i]].name));
    return key;
}

/* A path or a schema may be no UTF-8: then it is left out. */
static json_t *manifest_string(const char *text)
{
    json_t *string = text ? json_string(text) : NULL;

    return string ? string : json_null();
}

json_t *archive_manifest_about(const char *database, const char *path, const char *table,
                               const char *schema, const struct archive_columns *columns)
{
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:s}", "litekeeper", VERSION, "database",
                     manifest_string(database), "path", manifest_string(path), "table",
                     manifest_string(table), "schema", manifest_string(schema), "columns",
                     manifest_columns(columns), "key", manifest_key(columns), "time",
                     columns->list[columns->time].name);
}

void archive_manifest_follows(json_t *about, const char *table)
{
    json_object_set_new(about, "time", json_null());
    json_object_set_new(about, "follows", manifest_string(table));
}

static enum status manifest_add_column(const json_t *entry, struct archive_columns *columns,
                                       struct error *error)
{
    const char *name = json_string_value(json_object_get(entry, "name"));
    const char *type = json_string_value(json_object_get(entry, "type"));

    if (!name)
        return error_set(error, STATUS_INVALID, "the manifest has a column without a name");
    enum status status = archive_columns_add(columns, name, type, error);
    if (status == STATUS_OK) {
        struct archive_column *column = &columns->list[columns->count - 1];
        column->hidden = json_is_true(json_object_get(entry, "rowid"));
        column->generated = json_is_true(json_object_get(entry, "generated"));
    }
    return status;
}

static bool manifest_place_columns(const json_t *about, struct archive_columns *columns)
{
    const json_t *key = json_object_get(about, "key"), *name;
    const json_t *time = json_object_get(about, "time");
    size_t i;

    if (json_array_size(key) < 1 || json_array_size(key) > TABLE_KEY_COLUMNS)
        return false;
    if (json_is_null(time)) /* rows of it are told by their key alone */
        time = json_array_get(key, 0);
    if (!archive_columns_find(columns, json_string_value(time), &columns->time))
        return false;
    columns->key_count = json_array_size(key);
    json_array_foreach (key, i, name)
        if (!archive_columns_find(columns, json_string_value(name), &columns->key[i]))
            return false;
    return true;
}

enum status archive_manifest_columns(const struct archive_manifest *manifest,
                                     struct archive_columns *columns, struct error *error)
{
    const json_t *list = json_object_get(manifest->about, "columns"), *entry;
    struct archive_columns found = {0};
    enum status status = STATUS_OK;
    size_t i;

    json_array_foreach (list, i, entry)
        if (!status)
            status = manifest_add_column(entry, &found, error);
    if (!status && !manifest_place_columns(manifest->about, &found))
        status = error_set(error, STATUS_INVALID, "the manifest does not tell its columns");
    if (status)
        archive_columns_free(&found);
    else
        *columns = found;
    return status;
}

static json_t *manifest_time(int64_t time_us)
{
    char text[TEXT_SHORT];

    return time_us < 0 ? json_null() : json_string(text_time(text, time_us));
}

/* Times are there twice: to be read, and to the microsecond. */
static void manifest_set_time(json_t *object, const char *key, int64_t time_us)
{
    char *exact = memory_format("%s_us", key);

    json_object_set_new(object, key, manifest_time(time_us));
    json_object_set_new(object, exact, json_integer(time_us));
    free(exact);
}

static void manifest_set_store(json_t *object, const struct archive_manifest *manifest)
{
    json_object_set_new(object, "store", json_string(manifest->store));
    json_object_set_new(object, "store_first", json_integer(manifest->store_first));
    json_object_set_new(object, "store_last", json_integer(manifest->store_last));
}

char *archive_manifest_text(const struct archive_manifest *manifest)
{
    json_t *object = json_pack("{s:i, s:s, s:s, s:s, s:I, s:I, s:I, s:s, s:s, s:O?, s:O?}",
                               "format", MANIFEST_FORMAT, "state", manifest_states[manifest->state],
                               "part", manifest->part, "file", manifest->name, "rows",
                               (json_int_t)manifest->rows, "bytes", (json_int_t)manifest->bytes,
                               "line_bytes", (json_int_t)manifest->line_bytes, "sha256",
                               manifest->sha256, "sha256_rows", manifest->sha256_rows, "first_key",
                               manifest->first_key, "last_key", manifest->last_key);

    manifest_set_time(object, "first_time", manifest->first_us);
    manifest_set_time(object, "last_time", manifest->last_us);
    manifest_set_time(object, "cutoff", manifest->cutoff_us);
    manifest_set_time(object, "made", manifest->made_us);
    if (manifest->state == MANIFEST_REMOVED)
        manifest_set_time(object, "removed", manifest->removed_us);
    if (manifest->store)
        manifest_set_store(object, manifest);
    json_object_update(object, manifest->about);
    char *text = json_dumps(object, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
    json_decref(object);
    char *line = memory_format("%s\n", text);
    free(text);
    return line;
}

static bool manifest_find_state(const char *name, enum manifest_state *state)
{
    for (size_t i = 0; i < sizeof manifest_states / sizeof *manifest_states; i++)
        if (strcmp(manifest_states[i], name) == 0) {
            *state = (enum manifest_state)i;
            return true;
        }
    return false;
}

static json_t *manifest_take_about(json_t *object)
{
    static const char *const keys[] = {"litekeeper", "database", "path", "table",  "schema",
                                       "columns",    "key",      "time", "follows"};
    json_t *about = json_object();

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        json_t *value = json_object_get(object, keys[i]);
        if (value)
            json_object_set(about, keys[i], value);
    }
    return about;
}

static json_t *manifest_take_array(json_t *array)
{
    return json_is_array(array) ? json_incref(array) : NULL;
}

/* A name that leads nowhere else: we made it, but whoever owns the folder may have written it. */
static bool manifest_is_part(const char *part)
{
    return part[0] != '/' && !strstr(part, "..") && !strstr(part, "//");
}

static bool manifest_is_name(const char *name)
{
    return strncmp(name, "part-", 5) == 0 && !strchr(name, '/') && strlen(name) < 200;
}

static bool manifest_is_store(const char *store)
{
    size_t length = store ? strlen(store) : 0;

    return !store || (length > 3 && strcmp(store + length - 3, ".db") == 0 && store[0] != '.' &&
                      !strchr(store, '/'));
}

/* As events have it, and so that sums of them are numbers, too. */
static bool manifest_is_count(json_int_t count)
{
    return count >= 0 && count <= (json_int_t)1 << 53;
}

static bool manifest_is_time(json_int_t us)
{
    return us >= -((json_int_t)1 << 60) && us <= (json_int_t)1 << 60;
}

static enum status manifest_take(json_t *object, struct archive_manifest *manifest,
                                 struct error *error)
{
    json_int_t format, rows, bytes, line_bytes, first, last, cutoff, made, removed = -1;
    json_int_t store_first = 0, store_last = 0;
    const char *state, *part, *name, *sha256, *sha256_rows, *store = NULL;
    json_t *first_key = NULL, *last_key = NULL;
    enum manifest_state known;
    json_error_t problem;

    if (json_unpack_ex(object, &problem, 0,
                       "{s:I, s:s, s:s, s:s, s:I, s:I, s:I, s:s, s:s, s:o, s:o, s:I, s:I, s:I,"
                       " s:I, s?I, s?s, s?I, s?I}",
                       "format", &format, "state", &state, "part", &part, "file", &name, "rows",
                       &rows, "bytes", &bytes, "line_bytes", &line_bytes, "sha256", &sha256,
                       "sha256_rows", &sha256_rows, "first_key", &first_key, "last_key", &last_key,
                       "first_time_us", &first, "last_time_us", &last, "cutoff_us", &cutoff,
                       "made_us", &made, "removed_us", &removed, "store", &store, "store_first",
                       &store_first, "store_last", &store_last) < 0)
        return error_set(error, STATUS_INVALID, "the manifest is not valid: %s", problem.text);
    if (format != MANIFEST_FORMAT)
        return error_set(error, STATUS_INVALID, "the manifest is of a newer litekeeper");
    if (!manifest_find_state(state, &known) || !manifest_is_part(part) || !manifest_is_name(name) ||
        strlen(sha256) >= DIGEST_HEX || strlen(sha256_rows) >= DIGEST_HEX ||
        !manifest_is_count(rows) || !manifest_is_count(bytes) || !manifest_is_count(line_bytes) ||
        !manifest_is_time(first) || !manifest_is_time(last) || !manifest_is_time(cutoff) ||
        !manifest_is_time(removed) || !manifest_is_store(store))
        return error_set(error, STATUS_INVALID, "the manifest is not valid");
    *manifest = (struct archive_manifest){.state = known,
                                          .part = memory_copy(part),
                                          .name = memory_copy(name),
                                          .about = manifest_take_about(object),
                                          .first_key = manifest_take_array(first_key),
                                          .last_key = manifest_take_array(last_key),
                                          .rows = rows,
                                          .bytes = bytes,
                                          .line_bytes = line_bytes,
                                          .first_us = first,
                                          .last_us = last,
                                          .cutoff_us = cutoff,
                                          .made_us = made,
                                          .removed_us = removed,
                                          .store = memory_copy(store),
                                          .store_first = store_first,
                                          .store_last = store_last};
    memcpy(manifest->sha256, sha256, strlen(sha256));
    memcpy(manifest->sha256_rows, sha256_rows, strlen(sha256_rows));
    return STATUS_OK;
}

enum status archive_manifest_parse(const char *text, size_t length,
                                   struct archive_manifest *manifest, struct error *error)
{
    json_error_t problem;
    json_t *object = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &problem);

    if (!object)
        return error_set(error, STATUS_INVALID, "the manifest is no JSON: %s", problem.text);
    enum status status = manifest_take(object, manifest, error);
    json_decref(object);
    return status;
}

char *archive_manifest_file(const struct archive_manifest *manifest)
{
    int length = (int)strcspn(manifest->name + 5, "."); /* "part-" */
    const char *end = strstr(manifest->name, ".jsonl.zst");

    if (end)
        length = (int)(end - manifest->name - 5);
    return memory_format("_part-%.*s.manifest.json", length, manifest->name + 5);
}
