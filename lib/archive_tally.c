/* Counts rows for a manifest. Pure. */
#include "archive_tally.h"

void archive_tally_begin(struct archive_tally *tally)
{
    *tally = (struct archive_tally){0};
    digest_begin(&tally->digest);
}

static void tally_key(const struct archive_columns *columns, const struct archive_row *row,
                      struct text *key)
{
    text_clear(key);
    for (size_t i = 0; i < columns->key_count; i++) {
        text_add(key, i ? "," : "[");
        archive_value_write(&row->values[columns->key[i]], key);
    }
    text_add(key, "]");
}

void archive_tally_add(struct archive_tally *tally, const struct archive_columns *columns,
                       const struct archive_row *row, size_t length)
{
    if (!tally->rows)
        tally_key(columns, row, &tally->first);
    tally_key(columns, row, &tally->last);
    archive_row_digest(row, &tally->digest);
    tally->rows++;
    tally->line_bytes += (int64_t)length;
}

static json_t *tally_json(const struct text *key)
{
    return key->length ? json_loadb(key->bytes, key->length, JSON_ALLOW_NUL, NULL) : NULL;
}

void archive_tally_end(struct archive_tally *tally, struct archive_manifest *manifest)
{
    json_decref(manifest->first_key);
    json_decref(manifest->last_key);
    manifest->first_key = tally_json(&tally->first);
    manifest->last_key = tally_json(&tally->last);
    manifest->rows = tally->rows;
    manifest->line_bytes = tally->line_bytes;
    digest_end(&tally->digest, manifest->sha256_rows);
    archive_tally_free(tally);
}

void archive_tally_free(struct archive_tally *tally)
{
    text_free(&tally->first);
    text_free(&tally->last);
}
