/* Segments of an archive, for people and as JSON. */
#ifndef ARCHIVE_PRINT_H
#define ARCHIVE_PRINT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* What a command has found out about a table's archive. */
struct archive_summary {
    const char *database, *table, *folder;
    json_t *segments; /* as catalogue_judge makes them */
    json_t *holds;    /* rows of the table that were put back; NULL: it is not known */
    bool verified;    /* every byte was read, not the manifests alone */
    bool lost;        /* the catalogue knows nothing of it */
    size_t rebuilt;   /* segments that were entered in it anew */
    size_t problems;
};

/* Counts the problems. Of a catalogue that is lost that is one, and none for each segment. */
void archive_print_count(struct archive_summary *summary);
/* A line for each segment, or for each that has something to it, and what they are together. */
void archive_print_table(const struct archive_summary *summary);
/* An object for each segment, {"event":"segment",...}, and one for all, {"event":"archive",...}. */
void archive_print_json(const struct archive_summary *summary);

#endif
