/* REINDEX, one index in one hold. Runs in a worker, as the file's owner, in the file's folder. */
#include "engine_whole.h"
#include "reindex.h"
#include "text.h"

enum status reindex_offline(struct engine *engine, const struct reindex_index *index, bool windowed,
                            struct error *error)
{
    struct text sql = {0};

    text_add(&sql, "REINDEX main.");
    text_add_identifier(&sql, index->name);
    const struct engine_whole whole = {
        .sql = sql.bytes, .what = "REINDEX", .bytes = index->bytes, .windowed = windowed};
    enum status status = engine_whole(engine, &whole, error);
    text_free(&sql);
    return status;
}
