/*
 * Definitions of indexes (lang_createindex.html): takes statements apart, makes them, and tells
 * whether two are the same. Pure but for SQLite's parser, which has the last word on the syntax.
 */
#include "indexdef.h"

#include "memory.h"
#include "sqlsyntax.h"
#include "sqltoken.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char indexdef_what[] =
    "must be a statement such as CREATE INDEX name ON table(column), or a mapping with name, table "
    "and columns";

/* --- the head ----------------------------------------------------------------------------- */

/* The next token, if it is that word or character; then `*at` is behind it. */
static bool indexdef_take(const char **at, const char *what)
{
    struct sqltoken token = sqltoken_next(*at);

    if (!sqltoken_is(&token, what))
        return false;
    *at = token.end;
    return true;
}

static bool indexdef_take_name(const char **at, char **name)
{
    struct sqltoken token = sqltoken_next(*at);
    struct text text = {0};

    if (!token.word && !token.quoted)
        return false;
    sqltoken_add_name(&token, &text);
    free(*name);
    *name = text_take(&text);
    *at = token.end;
    return **name != '\0';
}

/* "CREATE UNIQUE INDEX IF NOT EXISTS"; what SQLite's schema leaves out is no part of it. */
static bool indexdef_take_words(const char **at, struct indexdef *def)
{
    if (!indexdef_take(at, "CREATE"))
        return false;
    def->unique = indexdef_take(at, "UNIQUE");
    if (!indexdef_take(at, "INDEX"))
        return false;
    if (indexdef_take(at, "IF"))
        return indexdef_take(at, "NOT") && indexdef_take(at, "EXISTS");
    return true;
}

/* "main.name ON table"; `*name` is where the name itself begins, `*at` behind it all. */
static enum status indexdef_take_names(const char **at, struct indexdef *def, const char **name,
                                       struct error *error)
{
    bool taken;

    *name = sqltoken_next(*at).begin;
    taken = indexdef_take_name(at, &def->name);
    if (taken && indexdef_take(at, ".")) {
        if (strcasecmp(def->name, "main") != 0)
            return error_set(error, STATUS_INVALID,
                             "\"%.100s\": only indexes of main can be had, the database itself",
                             def->name);
        *name = sqltoken_next(*at).begin;
        taken = indexdef_take_name(at, &def->name);
    }
    if (!taken || !indexdef_take(at, "ON") || !indexdef_take_name(at, &def->table))
        return error_set(error, STATUS_INVALID, "%s", indexdef_what);
    return STATUS_OK;
}

/* --- the rest, in one way of writing ------------------------------------------------------ */

static bool indexdef_ends_term(const struct sqltoken *token)
{
    return sqltoken_is(token, ",") || sqltoken_is(token, ")");
}

/* In the place of a column 'name' is a name, too. */
static bool indexdef_is_name(const struct sqltoken *before, const struct sqltoken *token)
{
    struct sqltoken next = sqltoken_next(token->end);
    bool begins = sqltoken_is(before, "(") || sqltoken_is(before, ",");

    return begins && (indexdef_ends_term(&next) || sqltoken_is(&next, "COLLATE") ||
                      sqltoken_is(&next, "ASC") || sqltoken_is(&next, "DESC"));
}

/* From the first bracket on. */
static void indexdef_add_rest(const char *at, struct text *normal)
{
    struct sqltoken before = {.begin = "", .end = ""}, token = sqltoken_next(at), next;
    int depth = 0;
    bool columns = true;

    for (; !sqltoken_end(&token) && !sqltoken_is(&token, ";"); token = next) {
        next = sqltoken_next(token.end);
        bool term = columns && depth == 1;
        depth += sqltoken_is(&token, "(") - sqltoken_is(&token, ")");
        columns = columns && depth > 0;
        if (!(term && sqltoken_is(&token, "ASC") && indexdef_ends_term(&next)))
            sqltoken_add_normal(&token, term && indexdef_is_name(&before, &token), normal);
        before = token;
    }
}

static void indexdef_add_name(const char *name, struct text *normal)
{
    struct text quoted = {0};

    text_add_name(&quoted, name);
    struct sqltoken token = sqltoken_at(quoted.bytes);
    sqltoken_add_normal(&token, true, normal);
    text_free(&quoted);
}

static void indexdef_normalize(struct indexdef *def, const char *rest)
{
    struct text normal = {0};

    if (def->unique)
        text_add(&normal, "unique");
    indexdef_add_name(def->name, &normal);
    indexdef_add_name(def->table, &normal);
    indexdef_add_rest(rest, &normal);
    def->normal = text_take(&normal);
}

/* Where the statement ends: before a semicolon and what is blank. */
static size_t indexdef_length(const char *sql)
{
    const char *end = sql;

    for (struct sqltoken token = sqltoken_next(sql);
         !sqltoken_end(&token) && !sqltoken_is(&token, ";"); token = sqltoken_next(token.end))
        end = token.end;
    return (size_t)(end - sql);
}

static enum status indexdef_read(const char *sql, struct indexdef *def, struct error *error)
{
    const char *at = sql, *name;
    enum status status;

    if (!indexdef_take_words(&at, def))
        return error_set(error, STATUS_INVALID, "%s", indexdef_what);
    if ((status = indexdef_take_names(&at, def, &name, error)))
        return status;
    struct sqltoken bracket = sqltoken_next(at);
    if (!sqltoken_is(&bracket, "("))
        return error_set(error, STATUS_INVALID, "%s", indexdef_what);
    def->sql = memory_format("CREATE %sINDEX %.*s", def->unique ? "UNIQUE " : "",
                             (int)indexdef_length(name), name);
    indexdef_normalize(def, at);
    return STATUS_OK;
}

/* --- all of it ---------------------------------------------------------------------------- */

static enum status indexdef_check(const char *sql, const struct indexdef *def, struct error *error)
{
    static const char *const reserved[] = {"sqlite_", "_litekeeper_"};
    struct error why;

    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (strncasecmp(def->name, reserved[i], strlen(reserved[i])) == 0)
            return error_set(error, STATUS_INVALID, "\"%.100s\": no index can have a name in %s",
                             def->name, reserved[i]);
    if (!sqltoken_single(sql))
        return error_set(error, STATUS_INVALID, "has more than one statement; list each by itself");
    if (sqlsyntax_check(sql, &why))
        return error_set(error, STATUS_INVALID, "no SQL that SQLite understands: %.200s", why.text);
    return STATUS_OK;
}

enum status indexdef_parse(const char *sql, struct indexdef *result, struct error *error)
{
    struct indexdef def = {0};
    enum status status = indexdef_read(sql, &def, error);

    if (status == STATUS_OK)
        status = indexdef_check(sql, &def, error);
    if (status)
        indexdef_free(&def);
    else
        *result = def;
    return status;
}

/* Names with their quotes; what is more than a name is SQL already. */
static void indexdef_add_column(const char *begin, const char *end, struct text *sql)
{
    struct sqltoken first = sqltoken_next(begin), second = sqltoken_next(first.end);
    struct text name = {0};
    bool plain = first.word && (second.begin >= end || sqltoken_is(&second, "COLLATE") ||
                                sqltoken_is(&second, "ASC") || sqltoken_is(&second, "DESC"));

    while (end > first.end && isspace((unsigned char)end[-1]))
        end--;
    if (plain) {
        sqltoken_add_name(&first, &name);
        text_add_identifier(sql, name.bytes);
    }
    begin = plain ? first.end : first.begin;
    text_add_length(sql, begin, (size_t)(end - begin));
    text_free(&name);
}

/* "a, lower(b, c)" are two. */
static void indexdef_add_columns(const char *columns, struct text *sql)
{
    const char *begin = columns;
    struct sqltoken token = sqltoken_next(columns);
    int depth = 0;

    for (; !sqltoken_end(&token); token = sqltoken_next(token.end)) {
        depth += sqltoken_is(&token, "(") - sqltoken_is(&token, ")");
        if (depth || !sqltoken_is(&token, ","))
            continue;
        indexdef_add_column(begin, token.begin, sql);
        text_add(sql, ", ");
        begin = token.end;
    }
    indexdef_add_column(begin, token.begin, sql);
}

/* A part that ends the brackets that it stands in would be more than it says. */
static enum status indexdef_check_part(const char *part, struct error *error)
{
    if (sqltoken_balanced(part))
        return STATUS_OK;
    return error_set(error, STATUS_INVALID, "\"%.150s\": brackets do not match", part);
}

enum status indexdef_make(const char *name, const char *table, const struct option_texts *columns,
                          const char *where, bool unique, struct indexdef *def, struct error *error)
{
    struct text sql = {0};
    enum status status = where ? indexdef_check_part(where, error) : STATUS_OK;

    text_addf(&sql, "CREATE %sINDEX ", unique ? "UNIQUE " : "");
    text_add_identifier(&sql, name);
    text_add(&sql, " ON ");
    text_add_identifier(&sql, table);
    text_add(&sql, "(");
    for (size_t i = 0; status == STATUS_OK && i < columns->count; i++) {
        status = indexdef_check_part(columns->items[i], error);
        text_add(&sql, i ? ", " : "");
        indexdef_add_columns(columns->items[i], &sql);
    }
    text_addf(&sql, ")%s%s", where ? " WHERE " : "", where ? where : "");
    if (status == STATUS_OK)
        status = indexdef_parse(sql.bytes, def, error);
    text_free(&sql);
    return status;
}

void indexdef_free(struct indexdef *def)
{
    free(def->name);
    free(def->table);
    free(def->sql);
    free(def->normal);
    *def = (struct indexdef){0};
}

bool indexdef_same(const struct indexdef *def, const char *sql)
{
    struct indexdef other = {0};
    bool same =
        indexdef_read(sql, &other, NULL) == STATUS_OK && strcmp(def->normal, other.normal) == 0;

    indexdef_free(&other);
    return same;
}
