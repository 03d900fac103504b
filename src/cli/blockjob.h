/* blockjob: what the verbs of block jobs have in common: words of their command lines, how long they wait. */
#ifndef CLI_BLOCKJOB_H
#define CLI_BLOCKJOB_H

#include <json-c/json.h>

#include "cli/plan_verb.h"

/* "10" MiB/s; with --bytes "10", "10M" of bytes. 0: none given. ERR_USAGE. */
int blockjob_bandwidth(const struct cli *c, uint64_t *bytes, struct err *err);
/* A scaled number of bytes ("10", "10M"), of at most INT64_MAX; implied: bytes of a number without a unit. ERR_USAGE names the option. */
int blockjob_bytes(
    const char *option, const char *text, uint64_t implied, uint64_t *bytes, struct err *err);
/* One of these at most. ERR_USAGE */
int blockjob_only(const struct cli *c, const char *a, const char *b, struct err *err);
/* Copies flags that were given; pairs of option and member, a NULL at the end. */
void blockjob_flags(const struct cli *c, struct json_object *o, ...) __attribute__((sentinel));
/* Does another domain, whether it runs or not, need the file at path? ERR_BUSY says which. */
int blockjob_check_users(
    const struct cli *c, const char *domain, const char *path, struct err *err);
/* The exit status of a wrong command line or of a failure before the plan. */
int blockjob_failed(const struct err *err);
/* Carries it out: `began` is said when it need not be waited for, `over` at its end. waits: by another option than --wait or --timeout. */
int blockjob_run(
    struct cli *c, struct json_object *args, bool waits, const char *began, const char *over);

#endif
