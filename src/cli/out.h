/* out: what verbs print: virsh's tables and errors, JSON, progress. Owner of a table: whoever
 * called out_table_new. */
#ifndef CLI_OUT_H
#define CLI_OUT_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#include "cli/dispatch.h"
#include "core/buf.h"
#include "core/err.h"

/* Columns as wide as their widest cell, three blanks between, a rule under the heading. Width is
 * counted as a terminal shows it, whatever the locale. */
struct out_table;

struct out_table *out_table_new(size_t cols, const char *const *heads);
/* cols strings, copied. */
void out_table_row(struct out_table *t, const char *const *cells);
void out_table_format(const struct out_table *t, bool heading, struct buf *out);
void out_table_free(struct out_table *t);

/* "error: " or "warning: " and the message, on standard error. Whatever names and other programs'
 * words it quotes, no control character but line ends and tabs gets through. */
void out_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void out_warning(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* virsh's two lines: what failed on which domain, then why. */
void out_failed(const char *what, const char *name, const struct err *err);
/* A message of success, as harmless: nothing under --quiet. */
void out_message(const struct cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Prints o as a document of its own and puts it. */
void out_json(struct json_object *o);
/* What QEMU or a guest's agent returned, as it is, but harmless on a terminal: control characters are escaped as JSON
 * escapes them, and stay what they are for a parser. */
void out_json_foreign(struct json_object *o, bool pretty);
/* The same on one line, at once: streams. */
void out_json_line(struct json_object *o);
/* Under --progress-fd: one line {"done":…,"total":…,"text":…}; else nothing. */
void out_progress(const struct cli *c, unsigned done, unsigned total, const char *text);

/* Members of JSON objects; unsigned 64-bit throughout, NULL text is null. */
void out_add_str(struct json_object *o, const char *key, const char *value);
void out_add_u64(struct json_object *o, const char *key, uint64_t value);
void out_add_bool(struct json_object *o, const char *key, bool value);

/* ERR_USAGE → CLI_USAGE, anything else CLI_FAILED. */
int out_status(const struct err *err);
/* virsh's two lines of an error: what was being done (NULL none) and the error itself; returns out_status. */
int out_refusal(const char *what, const struct err *err);

#define OUT_UUID_MAX 37
void out_uuid(const unsigned char uuid[16], char out[OUT_UUID_MAX]);
/* CLOCK_REALTIME → "2026-11-21 10:48:00.123+0000", as virsh stamps events. */
#define OUT_TIME_MAX 40
void out_time(uint64_t ns, char out[OUT_TIME_MAX]);

#endif
