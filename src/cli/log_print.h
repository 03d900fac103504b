/* log_print: lines and marks of consoles' histories as text, JSON or matches, on standard output. Owner: the verb `log`.
 * Text and JSON hold no escape sequence and no control character of a guest's. */
#ifndef CLI_LOG_PRINT_H
#define CLI_LOG_PRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/log_feed.h"
#include "serial/log_match.h"

#define LOG_LINES_MAX 1000000u /* of --lines: they are kept until the end is found */
#define LOG_CONTEXT_MAX 10000u

enum log_form { LOG_TEXT, LOG_RAW, LOG_JSON };

struct log_style {
	enum log_form form;
	bool names;      /* NAME:PORT: before each line */
	bool timestamps; /* the time before each line */
	bool colour;
	uint64_t since_ns, until_ns;
	struct log_match *match; /* borrowed; NULL: every line */
	size_t context;          /* lines shown around a match */
	size_t last;             /* only so many; 0 all */
};

struct log_print;

struct log_print *log_print_new(const struct log_style *style);
void log_print_free(struct log_print *p);
/* For log_feed: arg is a struct log_print. */
extern const struct log_sink log_print_sink;
/* Prints what was kept back for the last lines, from now on everything at once. */
void log_print_flush(struct log_print *p);
/* Forgets it. */
void log_print_restart(struct log_print *p);
/* Lines printed or kept, marks not counted. */
uint64_t log_print_lines(const struct log_print *p);
bool log_print_failed(const struct log_print *p); /* a source could not be read */
/* "2026-11-21 10:48:00", local time; "-" where it is not known. */
#define LOG_STAMP_MAX 32
void log_print_stamp(uint64_t ns, char out[LOG_STAMP_MAX]);

#endif
