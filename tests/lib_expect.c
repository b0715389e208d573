/* Patterns over what a program printed. */
#include "lib_expect.h"

#include "lib_folder.h"
#include "text.h"

#include <check.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool expect_match(const char *text, const char *pattern, const char *folder)
{
    for (; *pattern && *pattern != '&'; pattern++) {
        if (*pattern == '~') {
            for (; *text && *text != '\n'; text++)
                if (expect_match(text, pattern + 1, folder))
                    return true;
            return expect_match(text, pattern + 1, folder);
        }
        if (*pattern == '#') {
            if (!isdigit((unsigned char)*text))
                return false;
            while (isdigit((unsigned char)*text) ||
                   (strchr(".,", *text) && isdigit((unsigned char)text[1])))
                text++;
        } else if (*pattern == '@') {
            if (strncmp(text, folder, strlen(folder)) != 0)
                return false;
            text += strlen(folder);
        } else if (*text++ != *pattern) {
            return false;
        }
    }
    return *pattern || !*text;
}

void expect_text(const char *what, const char *text, const char *pattern)
{
    char *folder = folder_path("");

    folder[strlen(folder) - 1] = '\0';
    ck_assert_msg(expect_match(text, pattern, folder), "%s:\n--- expected\n%s\n--- got\n%s\n---",
                  what, pattern, text);
    free(folder);
}

char *expect_words(const char *words)
{
    char *folder = folder_path("");
    struct text text = {0};

    for (; *words; words++)
        text_add_length(&text, *words == '@' ? folder : words,
                        *words == '@' ? strlen(folder) - 1 : 1);
    free(folder);
    return text_take(&text);
}

void expect_run(const char *words, struct program_result *result)
{
    char *real = expect_words(words);

    program_run(real, result);
    free(real);
}

void expect(const char *words, int status, const char *out, const char *err)
{
    struct program_result result;

    expect_run(words, &result);
    expect_text(words, result.err, err);
    expect_text(words, result.out, out);
    ck_assert_msg(result.status == status, "%s: exit status %d", words, result.status);
    program_result_free(&result);
}

void expect_policy(const char *yaml)
{
    char *real = expect_words(yaml);

    folder_write("policy.yaml", real);
    free(real);
}
