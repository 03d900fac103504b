/* chain: the files that an image is made of, as their headers name them: itself, where its data are, what backs it, and so
 * on down. For who asks which VM uses a file, and whether a guest has changed what its image refers to. Only headers are
 * read, without locks, of regular files and block devices alone: a name that a guest may have written opens nothing else.
 * Owner: the caller; chain_fini. */
#ifndef DISK_CHAIN_H
#define DISK_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/err.h"

#define CHAIN_MAX 200 /* files; IMG_CHAIN_MAX */

enum chain_kind { CHAIN_IMAGE, CHAIN_BACKING, CHAIN_DATA, CHAIN_KINDS };

struct chain_link {
	enum chain_kind kind;
	char *path;        /* resolved; as it is named when it is none of a file ("nbd://…") */
	char *format;      /* as the image above names it; NULL it does not */
	unsigned depth;    /* of the image: 0 the top one and its data file */
	uint64_t dev, ino; /* 0 0: it is not there, or is none of a file */
};
struct chain {
	struct chain_link *links; /* top first */
	size_t n;
	char *trouble; /* why it was not read to its end, in words; NULL it was */
};

/* format: of the top image; NULL finds out whether it has a chain by its contents. Of "raw", what stands at its beginning
 * is the guest's and is not looked at: it has no chain. Of formats other than qcow2 and qcow the image alone is known. Never fails: see trouble. */
void chain_read(const char *path, const char *format, struct chain *c);
void chain_fini(struct chain *c);
/* Do both name the same files, in the same formats? Whether they are there does not count. */
bool chain_equal(const struct chain *a, const struct chain *b);
/* Is `file` (by device and inode) the image at path or any that it is made of? 1, 0 (also when one below is not there), or -1
 * when the chain cannot be read to its end. */
int chain_has(const char *path, const char *format, const char *file, struct err *err);

/* What one image names itself, resolved against its folder, or as it is named when that is none of a file. Of formats other
 * than qcow2 and qcow: nothing. Owner: the caller; chain_names_fini. */
struct chain_names {
	char *backing, *backing_format, *data_file; /* NULL none, not said, in the image itself */
};
int chain_names_read(
    const char *path, const char *format, struct chain_names *names, struct err *err);
void chain_names_fini(struct chain_names *names);

/* "'/a/base.qcow2' (qcow2), data in '/a/x.raw'", or "no other file", appended; printable. */
void chain_words(const struct chain *c, struct buf *out);

#endif
