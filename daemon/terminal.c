/* Lays text out for a terminal's width; for a pipe it leaves each line whole, as grep likes it. */
#include "terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { NARROWEST = 20, STANDARD = 80 };

size_t terminal_width(FILE *out)
{
    struct winsize size;

    if (!isatty(fileno(out)))
        return 0;
    if (ioctl(fileno(out), TIOCGWINSZ, &size) || size.ws_col == 0)
        return STANDARD;
    return size.ws_col;
}

bool terminal_redraws(FILE *out)
{
    const char *kind = getenv("TERM");

    return isatty(fileno(out)) && kind && strcmp(kind, "dumb") != 0;
}

static size_t columns(const char *text, size_t length)
{
    size_t count = 0;

    for (size_t i = 0; i < length; i++)
        count += (text[i] & 0xC0) != 0x80;
    return count;
}

size_t terminal_columns(const char *text)
{
    return columns(text, strlen(text));
}

void terminal_print(FILE *out, const char *text, size_t column, size_t hanging)
{
    size_t width = terminal_width(out);

    if (width < hanging + NARROWEST)
        width = (size_t)-1;
    for (bool first = true; *text; first = false) {
        size_t length = strcspn(text, " "), needed = columns(text, length);
        if (!first && column + 1 + needed > width) {
            fprintf(out, "\n%*s", (int)hanging, "");
            column = hanging;
        } else if (!first) {
            putc(' ', out);
            column++;
        }
        fwrite(text, 1, length, out);
        column += needed;
        text += length;
        if (*text == ' ')
            text++;
    }
    putc('\n', out);
}
