/* Reads the names of a database's folders in an archive's directory. */
#include "archive_tables.h"

#include "memory.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TABLES_MOST = 10000 };

static int tables_hex(char digit)
{
    return isdigit((unsigned char)digit) ? digit - '0' : toupper((unsigned char)digit) - 'A' + 10;
}

/* The table of which archive_place_name makes this; NULL where that can't be told: the end of a
 * long name is a digest. */
static char *tables_name(const char *folder)
{
    struct text name = {0}, again = {0};

    for (const char *at = folder; *at; at++) {
        char byte = *at;
        if (byte == '%' && isxdigit((unsigned char)at[1]) && isxdigit((unsigned char)at[2])) {
            byte = (char)(tables_hex(at[1]) * 16 + tables_hex(at[2]));
            at += 2;
        }
        text_add_length(&name, &byte, 1);
    }
    char *found = text_take(&name);
    archive_place_name(found, &again);
    if (strcmp(again.bytes, folder) != 0 || strlen(found) == 0) {
        free(found);
        found = NULL;
    }
    text_free(&again);
    return found;
}

static int tables_compare(const void *one, const void *other)
{
    return strcmp(*(char *const *)one, *(char *const *)other);
}

static void tables_read(DIR *list, struct archive_tables *tables)
{
    struct dirent *entry;

    while (tables->count < TABLES_MOST && (entry = readdir(list))) {
        char *name = *entry->d_name == '.' ? NULL : tables_name(entry->d_name);
        if (!name)
            continue;
        tables->names = memory_resize(tables->names, tables->count + 1, sizeof *tables->names);
        tables->names[tables->count++] = name;
    }
    if (tables->count)
        qsort(tables->names, tables->count, sizeof *tables->names, tables_compare);
}

enum status archive_tables_find(const char *directory, const char *database,
                                struct archive_tables *tables, struct error *error)
{
    struct archive_place place = {.folder = -1};
    enum status status = archive_place_open(directory, database, NULL, false, &place, error);
    int folder = status || place.folder < 0 ? -1 : dup(place.folder);
    DIR *list = folder < 0 ? NULL : fdopendir(folder);

    *tables = (struct archive_tables){0};
    if (list) {
        tables_read(list, tables);
        closedir(list);
    } else if (folder >= 0) {
        close(folder);
    }
    archive_place_close(&place);
    return status;
}

void archive_tables_free(struct archive_tables *tables)
{
    for (size_t i = 0; i < tables->count; i++)
        free(tables->names[i]);
    free(tables->names);
    *tables = (struct archive_tables){0};
}

const char *archive_tables_follows(const struct shelf_segment *segment)
{
    const char *table = json_string_value(json_object_get(segment->manifest.about, "follows"));

    return table ? table : "";
}
