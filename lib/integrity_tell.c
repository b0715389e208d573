/* What a check has found, for the history and for people. Damage of the file, rows without their
 * parents, and what could not be looked at are told apart. Runs in a worker. */
#include "integrity_inside.h"

#include "text.h"

#include <stdio.h>

static json_t *integrity_effect(const struct integrity *run)
{
    static const char *const levels[] = {[INTEGRITY_QUICK] = "quick", [INTEGRITY_FULL] = "full"};
    const struct identity *seen = &run->engine->job->seen;

    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:o, s:I, s:o, s:O}", "level",
                     levels[run->options->level], "bytes", (json_int_t)run->facts->bytes, "device",
                     (json_int_t)seen->device, "inode", (json_int_t)seen->inode, "problems",
                     (json_int_t)run->findings.count, "messages", findings_json(&run->findings),
                     "foreign_keys", (json_int_t)run->keys.violations, "foreign_key_messages",
                     integrity_keys_json(&run->keys), "unchecked", run->unchecked);
}

static void integrity_say(const struct integrity *run, struct text *reason)
{
    char count[TEXT_SHORT], bytes[TEXT_SHORT];
    const char *pragma = integrity_pragmas[run->options->level];

    if (run->findings.count) {
        text_addf(reason, "%s found ", pragma);
        findings_say(&run->findings, reason);
    } else {
        text_addf(reason, "%s found nothing wrong in %s", pragma,
                  text_bytes(bytes, run->facts->bytes));
    }
    integrity_keys_say(&run->keys, reason);
    if (run->left)
        text_addf(reason, "; %s not checked, %s", text_counted(count, run->left, "table"),
                  run->why);
}

enum status integrity_conclude(struct integrity *run, struct outcome *outcome, struct error *error)
{
    struct text reason = {0};
    enum status status = STATUS_OK;

    integrity_say(run, &reason);
    outcome->effect = integrity_effect(run);
    if (run->findings.count || run->keys.violations)
        status = error_set(error, STATUS_FAILED, "%s", reason.bytes);
    snprintf(outcome->reason, sizeof outcome->reason, "%s", reason.bytes);
    text_free(&reason);
    return status;
}
