/* Six log functions over one line writer. */
#include "log.h"

#include "text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

static const char *log_program = "litekeeper";
static bool log_verbose, log_leveled; /* sd-daemon(3): "<N>" before a line */

void log_start(const char *program, bool verbose)
{
    log_program = program;
    log_verbose = verbose;
    log_leveled = log_to_journal();
}

void log_levels(void)
{
    log_leveled = true;
}

/* $JOURNAL_STREAM names the device and inode of a stream to journald: whether it is our standard
 * error, as systemd.exec(5) says, or one of someone who started us. */
bool log_to_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    uintmax_t device, inode;
    struct stat about;

    return stream && sscanf(stream, "%ju:%ju", &device, &inode) == 2 &&
           fstat(STDERR_FILENO, &about) == 0 && about.st_dev == device && about.st_ino == inode;
}

static void log_line(int priority, const char *format, va_list arguments)
{
    char line[1024];

    vsnprintf(line, sizeof line, format, arguments);
    text_sanitize(line);
    if (log_leveled)
        fprintf(stderr, "<%d>%s\n", priority, line);
    else
        fprintf(stderr, "%s: %s\n", log_program, line);
}

#define LOG_BODY(priority)                 \
    va_list arguments;                     \
    va_start(arguments, format);           \
    log_line(priority, format, arguments); \
    va_end(arguments)

void log_fatal(const char *format, ...)
{
    LOG_BODY(LOG_CRIT);
    exit(1);
}

void log_error(const char *format, ...)
{
    LOG_BODY(LOG_ERR);
}

void log_warning(const char *format, ...)
{
    LOG_BODY(LOG_WARNING);
}

void log_notice(const char *format, ...)
{
    LOG_BODY(LOG_NOTICE);
}

void log_info(const char *format, ...)
{
    LOG_BODY(LOG_INFO);
}

void log_debug(const char *format, ...)
{
    if (!log_verbose)
        return;
    LOG_BODY(LOG_DEBUG);
}
