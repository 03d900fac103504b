/* storage: what the verbs of pools and volumes share: virsh's words, sizes and ways to name things. */
#ifndef CLI_STORAGE_H
#define CLI_STORAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/dispatch.h"
#include "core/buf.h"
#include "core/err.h"
#include "disk/pool.h"
#include "disk/volume.h"

/* "1.00 GiB", as virsh rounds; "0.00 B". */
#define STORAGE_SIZE_MAX 24
void storage_pretty(uint64_t bytes, char out[STORAGE_SIZE_MAX]);
/* "20G", "512", "1.5M" is none: virsh's scaled integers, bytes by default. A leading sign is not accepted. */
int storage_size(const char *text, uint64_t *bytes, struct err *err);

/* By the option's value; on failure virsh's two lines are printed, and the exit status is returned: 0 else. */
int storage_pool(struct cli *c, const char *option, struct pool *pool);
/* By --vol and --pool. */
int storage_volume(struct cli *c, struct pool *pool, struct volume *vol);
/* "error: WHAT" and "error: why"; the exit status. */
int storage_failed(const struct err *err, const char *what, ...)
    __attribute__((format(printf, 2, 3)));
/* A line in log/.pools/audit.log; words: "what=vol-delete pool=default volume=…". */
void storage_audit(const struct cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
