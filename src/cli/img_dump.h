/* img_dump: what is known of an image as qemu-img prints it: a tree, either as JSON (indented by four, ASCII alone) or as
 * the lines of "Format specific information". Both have the members in the same order, so that who fills it knows of no
 * difference. Owner: the caller; img_dump_fini frees the text. */
#ifndef CLI_IMG_DUMP_H
#define CLI_IMG_DUMP_H

#include <stdbool.h>
#include <stdint.h>

#include "core/buf.h"
#include "disk/img_info.h"

#define IMG_DUMP_DEPTH 16 /* that is nested */

struct img_dump {
	struct buf text;
	bool json;
	unsigned depth;
	bool list[IMG_DUMP_DEPTH];      /* a list, not an object */
	unsigned count[IMG_DUMP_DEPTH]; /* of members so far */
};

/* depth: indented by so many from the beginning (lines alone). */
void img_dump_init(struct img_dump *d, bool json, unsigned depth);
void img_dump_fini(struct img_dump *d);
/* key: NULL in lists and at the top. */
void img_dump_object(struct img_dump *d, const char *key);
void img_dump_list(struct img_dump *d, const char *key);
void img_dump_end(struct img_dump *d); /* of either */
void img_dump_text(struct img_dump *d, const char *key, const char *value);
void img_dump_u64(struct img_dump *d, const char *key, uint64_t value);
void img_dump_bool(struct img_dump *d, const char *key, bool value);

/* A string as JSON, quoted, in ASCII. */
void img_dump_quote(struct buf *out, const char *s);
/* "3.28 MiB": three digits, units of 1024. */
#define IMG_DUMP_SIZE_MAX 24
void img_dump_size(uint64_t bytes, char out[IMG_DUMP_SIZE_MAX]);
/* "Snapshot list:" and its table; nothing when there are none. Dates are the local time's. */
void img_dump_snapshots(const struct img_snapshot *snapshots, size_t n, struct buf *out);

#endif
