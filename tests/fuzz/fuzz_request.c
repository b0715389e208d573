/* Feeds any bytes to the parser of requests. What it takes must come back the same. */
#include "request.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool same(const char *one, const char *other)
{
    return one && other ? strcmp(one, other) == 0 : one == other;
}

static void check_again(const struct request *request)
{
    char *line = request_line(request);
    struct request again;
    struct error error;

    if (!line)
        abort();
    if (strlen(line) <= REQUEST_LINE) { /* escapes may have made it longer */
        if (request_parse(line, strlen(line), &again, &error) || again.kind != request->kind ||
            !same(again.database, request->database) || !same(again.task, request->task) ||
            !same(again.target, request->target) || again.for_us != request->for_us ||
            again.since_us != request->since_us || again.limit != request->limit)
            abort();
        request_free(&again);
    }
    free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct request request;
    struct error error = {0};

    if (request_parse((const char *)data, size, &request, &error) == STATUS_OK) {
        check_again(&request);
        request_free(&request);
    } else if (!error.text[0]) {
        abort();
    }
    return 0;
}
