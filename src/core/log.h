/* log: a process's own diagnostics. Front ends print to standard error, a supervisor to
 * log/NAME/supervisor.log (rotated at 1 MiB, one old file). */
#ifndef CORE_LOG_H
#define CORE_LOG_H

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

/* path NULL: standard error. HVMUX_DEBUG=1 in the environment lets debug lines through. */
void log_open(const char *path);
void log_write(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warn(...) log_write(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)

#endif
