/* Messages for the operator: to standard error, with systemd's <priority> prefix under journald. */
#ifndef LOG_H
#define LOG_H

#include <stdbool.h>

#define LOG_FORMAT __attribute__((format(printf, 1, 2)))

/* `verbose` shows log_debug too. Where standard error goes to journald each line has its level. */
void log_start(const char *program, bool verbose);
/* From now on each line has its level, for a parent that reads them. */
void log_levels(void);
/* Whether standard error goes to journald. */
bool log_to_journal(void);

void log_fatal(const char *format, ...) LOG_FORMAT __attribute__((noreturn)); /* exits with 1 */
void log_error(const char *format, ...) LOG_FORMAT;
void log_warning(const char *format, ...) LOG_FORMAT;
void log_notice(const char *format, ...) LOG_FORMAT;
void log_info(const char *format, ...) LOG_FORMAT;
void log_debug(const char *format, ...) LOG_FORMAT;

#endif
