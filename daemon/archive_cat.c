/*
 * Gives out rows of an archive, as lines of JSON: those that are wanted, of segments that were read
 * before and found right. Runs in a worker with the rights of the database's owner.
 */
#include "archive_look.h"
#include "event.h"
#include "memory.h"
#include "worker.h"

#include <stdlib.h>
#include <string.h>

/* Sends whole characters alone: half of one is not JSON. */
static void look_send(struct archive_look *look)
{
    struct text *rows = &look->rows;
    size_t length = rows->length < EVENT_ROWS ? rows->length : EVENT_ROWS;

    while (length < rows->length && (rows->bytes[length] & 0xC0) == 0x80)
        length--;
    if (!length)
        return;
    worker_emit(NULL, json_pack("{s:s, s:s%}", "event", "rows", "text", rows->bytes, length));
    rows->length -= length;
    memmove(rows->bytes, rows->bytes + length, rows->length);
}

static void look_add(struct archive_look *look, const char *bytes, size_t length)
{
    while (length) {
        size_t part = length < EVENT_ROWS ? length : EVENT_ROWS;
        text_add_length(&look->rows, bytes, part);
        if (look->rows.length >= EVENT_ROWS)
            look_send(look);
        bytes += part;
        length -= part;
    }
}

/* Of each line but a few a reader has seen no more than that it has the values. */
static bool look_is_text(const char *line, size_t length)
{
    for (size_t i = 0, step; i < length; i += step) {
        const unsigned char *at = (const unsigned char *)line + i;
        step = *at < 0x80 ? *at != '\0' : text_sequence(at);
        if (!step)
            return false;
    }
    return true;
}

static enum status look_row(void *argument, struct archive_read *read,
                            const struct archive_row *row, struct error *error)
{
    struct archive_look *look = argument;
    bool wanted = false;
    int64_t us = -1;
    size_t length;
    enum status status = archive_filter_row(look->filter, row, &wanted, &us, error);

    look->wrong = status != STATUS_OK;
    if (status)
        return status;
    const char *line = archive_read_line(read, &length);
    if (wanted && !look_is_text(line, length))
        return error_set(error, STATUS_INVALID, "it has a line that is no UTF-8");
    if (wanted) {
        look_add(look, line, length);
        look_add(look, "\n", 1);
    }
    look->untimed += us < 0 && !wanted;
    return STATUS_OK;
}

/* Rows that followed those of another table have no time: their segment's is all that there is. */
static bool look_timeless(const struct shelf_segment *segment)
{
    return json_is_null(json_object_get(segment->manifest.about, "time"));
}

static bool look_spans(const struct archive_wanted *wanted, const struct shelf_segment *segment)
{
    const struct archive_manifest *manifest = &segment->manifest;

    if (!look_timeless(segment))
        return shelf_spans(segment, wanted->since_us, wanted->until_us);
    return (wanted->since_us < 0 || manifest->last_us >= wanted->since_us) &&
           (wanted->until_us < 0 || manifest->first_us < wanted->until_us);
}

static enum status look_rows(struct archive_look *look, const struct shelf_segment *segment,
                             const struct archive_columns *all, struct error *error)
{
    struct shelf_walk walk = {look_row, worker_stopped, look};
    struct archive_wanted wanted = look->wanted;

    if (look_timeless(segment))
        wanted.since_us = wanted.until_us = -1;
    enum status status = archive_filter_open(&wanted, &segment->columns, all, &look->filter, error);

    if (!status)
        status = shelf_walk(&look->shelf, segment, &walk, error);
    while (look->rows.length)
        look_send(look);
    archive_filter_close(look->filter);
    look->filter = NULL;
    if (!status || look->wrong || status == STATUS_CANCELLED)
        return status;
    bool changing = shelf_changed(&look->shelf, segment); /* keep_archives has taken it meanwhile */
    if (changing)
        *error = (struct error){0};
    look_tell(look, segment, changing ? LOOK_CHANGING : LOOK_NOT_READ, error);
    return STATUS_OK;
}

/* What was printed can't be taken back, so it is read twice. */
static enum status look_cat_segment(struct archive_look *look, const struct shelf_segment *segment,
                                    const struct archive_columns *all, struct error *error)
{
    enum look_found found = LOOK_NOT_READ;
    struct error problem = segment->problem;
    bool unfinished = look_has_file(segment) && segment->manifest.state < MANIFEST_DONE;
    bool reads = look_has_file(segment) && (!unfinished || look->unfinished) &&
                 look_spans(&look->wanted, segment);

    if (reads) {
        enum status status = look_check(look, segment, &found, &problem, error);
        if (status)
            return status;
    }
    if (segment->problem.status && !look_still(look, segment)) {
        problem = (struct error){0};
        found = LOOK_CHANGING;
    }
    look_tell(look, segment, problem.status ? LOOK_NOT_READ : found, &problem);
    return reads && !problem.status && found == LOOK_RIGHT ? look_rows(look, segment, all, error)
                                                           : STATUS_OK;
}

/* All columns that the table has had; of two of a name the younger one's type. */
static enum status look_columns(const struct archive_look *look, struct archive_columns *all,
                                struct error *error)
{
    enum status status = STATUS_OK;
    size_t found;

    for (size_t i = look->shelf.count; !status && i-- > 0;) {
        const struct archive_columns *columns = &look->shelf.segments[i].columns;
        for (size_t k = 0; !status && k < columns->count; k++)
            if (!archive_columns_find(all, columns->list[k].name, &found))
                status =
                    archive_columns_add(all, columns->list[k].name, columns->list[k].type, error);
    }
    return status;
}

static enum status look_untimed(const struct archive_look *look)
{
    char count[TEXT_SHORT];
    const struct event_subject subject = {look->job->database->name, "archive", look->table};

    if (look->untimed && (look->wanted.since_us >= 0 || look->wanted.until_us >= 0)) {
        char *text = memory_format("%s left out, whose time can't be read",
                                   text_counted(count, look->untimed, "row"));
        worker_emit(NULL, event_notice(&subject, text));
        free(text);
    }
    return STATUS_OK;
}

/* Whatever is wrong with the expression is said before a row is printed. */
static enum status look_try(struct archive_look *look, const struct archive_columns *all,
                            struct error *error)
{
    struct archive_filter *filter = NULL;
    enum status status = archive_filter_open(&look->wanted, all, NULL, &filter, error);

    archive_filter_close(filter);
    return status;
}

enum status look_cat(struct archive_look *look, struct error *error)
{
    struct archive_columns all = {0};
    enum status status = look_columns(look, &all, error);

    if (!status && all.count)
        status = look_try(look, &all, error);
    for (size_t i = 0; !status && i < look->shelf.count; i++)
        status = look_cat_segment(look, &look->shelf.segments[i], &all, error);
    if (!status)
        status = look_untimed(look);
    archive_columns_free(&all);
    return status;
}
