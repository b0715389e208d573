/* Makes outcomes and policies out of texts. */
#include "lib_alarms.h"

#include "memory.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

json_t *alarms_json(const char *text)
{
    char *copy = memory_copy(text);
    json_error_t error;

    for (char *c = copy; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    json_t *json = json_loads(copy, 0, &error);
    ck_assert_msg(json != NULL, "%s: %s", text, error.text);
    free(copy);
    return json;
}

struct config *alarms_policy(const char *yaml)
{
    struct config_errors errors = {0};
    struct config *config = NULL;

    ck_assert_msg(config_parse("policy", yaml, strlen(yaml), &config, &errors) == STATUS_OK, "%s",
                  errors.count ? errors.lines[0] : "");
    return config;
}

json_t *alarms_sized(const char *bytes)
{
    char *text = memory_format("{'task':'sample','target':null,'outcome':'done','reason':'x',"
                               "'effect':{'pages':1%s%s%s}}",
                               bytes ? ",'btrees':[{'name':'logs','type':'table','bytes':" : "",
                               bytes ? bytes : "", bytes ? "}]" : "");
    json_t *outcome = alarms_json(text);

    free(text);
    return outcome;
}
