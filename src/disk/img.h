/* img: a disk image in a format that we read ourselves, opened, with the images that back it.
 * Owner: whoever opened it; img_close closes the images below, too.
 * Threads: an image belongs to one thread, but for img_read_extent, which any number may call at the same time on what
 * img_map told: one thread looks up where the bytes are, others fetch and inflate them.
 * The contents of an image are hostile. Every field is checked where it enters, against the limits here and those of the
 * format's own header; errors name the file and the offset. */
#ifndef DISK_IMG_H
#define DISK_IMG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/domain_disk.h" /* enum disk_format */
#include "core/err.h"
#include "disk/disk_io.h"

#define IMG_SIZE_MAX ((uint64_t)0x7ffffffffffffe00) /* bytes of a disk: off_t in whole sectors */
#define IMG_CHAIN_MAX 200 /* images on top of each other; libvirt's limit, too */
#define IMG_HEAD 4096     /* bytes that probing looks at */
#define IMG_SECTOR 512u

struct img;
struct img_info;

enum img_flag {
	IMG_WRITE = 1,      /* the top image, for writing; those below are never written */
	IMG_NO_BACKING = 2, /* the image alone */
	IMG_FORCE_SHARE =
	    4, /* -U: read although somebody may be writing; never written without locks */
	IMG_NO_LOCK = 8, /* take no locks: for what we have just made ourselves, and for tests */
	IMG_REPAIR =
	    16, /* open what is marked corrupt or has broken tables, as far as check needs it */
	IMG_INFO =
	    64, /* for img_info alone: neither mapped nor read; encrypted ones open, too, and no
	                * other files than those of the chain */
	IMG_DIRECT =
	    32, /* -t none, -T none: as DISK_IO_DIRECT, only for what handles it (convert) */
};

enum img_extent_kind {
	IMG_ABSENT, /* not in this image: what backs it decides; zeroes where nothing does */
	IMG_ZERO,   /* zeroes, whatever lies below */
	IMG_DATA,   /* bytes as they are, at `host` of `file` */
	IMG_PACKED, /* compressed; extents of this kind are one cluster or less */
};
struct img_extent {
	uint64_t offset, bytes; /* of the guest; bytes > 0 */
	enum img_extent_kind kind;
	/* host and file are set: always for DATA and PACKED; for ZERO and ABSENT where space is kept for it */
	bool hosted;
	bool hole; /* DATA whose place in the file was never written: zeroes. False: not known */
	uint64_t host;
	uint64_t packed;       /* PACKED: how many bytes at host at most */
	uint64_t packed_start; /* PACKED: where in the guest the compressed cluster begins */
	const struct disk_io *file;
	const struct img *layer; /* the image that decided */
	unsigned depth;          /* 0 the top one */
};

/* One format. NULL where a format cannot. Offsets and lengths are inside of the image when they come here. */
struct img_driver {
	enum disk_format format;
	/* How sure it is, 0 no, 100 yes. n <= IMG_HEAD bytes of the beginning. */
	int (*probe)(const uint8_t *head, size_t n, const char *name);
	/* im->file is open. Sets size, cluster, state, backing_name, backing_format; close is called even when it fails. */
	int (*open)(struct img *im, struct err *err);
	void (*close)(struct img *im); /* flushes what it can; state may be NULL */
	/* What this image alone says of `offset`: an extent that begins there, of at most `bytes`; layer and depth are the
	 * caller's. As long as is cheap to tell (a table's worth), as short as it likes, never 0. */
	int (*map)(
	    struct img *im, uint64_t offset, uint64_t bytes, struct img_extent *e, struct err *err);
	/* Part of a PACKED extent. Safe for threads. */
	int (*unpack)(const struct img *im, const struct img_extent *e, uint64_t offset, void *buf,
	    size_t n, struct err *err);
	int (*write)(struct img *im, uint64_t offset, const void *buf, size_t n, struct err *err);
	/* Zeroes as the guest sees it, whatever lies below; keep: the space stays allocated. */
	int (*zero)(struct img *im, uint64_t offset, uint64_t bytes, bool keep, struct err *err);
	/* What the guest no longer needs; an image with a backing file must not show that again. */
	int (*discard)(struct img *im, uint64_t offset, uint64_t bytes, struct err *err);
	int (*resize)(struct img *im, uint64_t size, struct err *err);
	int (*flush)(struct img *im, struct err *err); /* metadata in order, then fdatasync */
	int (*info)(const struct img *im, struct img_info *info, struct err *err);
};

struct img {
	const struct img_driver *driver;
	char *
	    name; /* the path as given or as the chain names it, resolved against the image above */
	unsigned flags;
	uint64_t size;    /* bytes that the guest sees */
	uint32_t cluster; /* bytes that the format allocates at once; 0: it does not */
	struct disk_io *file;
	void *state;                         /* the driver's */
	char *backing_name, *backing_format; /* as the image says, NULL: none, not said */
	struct img *backing;                 /* open; NULL none or IMG_NO_BACKING */
};

/* name: a path, or "file:PATH". format: NULL finds out by the contents (for the top image only: the format of a backing
 * file that its image does not tell is an error naming it, as probing would let a guest choose). What names no file
 * ("nbd://…", "json:…", "rbd:…") and formats that we do not read are ERR_UNSUPPORTED. A chain that holds a file twice, or more
 * than IMG_CHAIN_MAX, is ERR_INVALID. Takes QEMU's image locks (disk/img_lock.h) unless told otherwise: ERR_BUSY. */
struct img *img_open(const char *name, const char *format, unsigned flags, struct err *err);
/* A look in passing, for img_info alone: this image without those below it, whoever may be writing to it, without locks. */
struct img *img_look(const char *name, const char *format, struct err *err);
/* Writes what is still to be written; -1 when that failed: what was written before is lost or not, as after a crash. */
int img_close(struct img *im, struct err *err);
void img_drop(struct img **im); /* closes without a word, for scopes: CLEANUP(img_drop) */

/* What the top image alone says (depth 0). */
int img_map(struct img *im, uint64_t offset, uint64_t bytes, struct img_extent *e, struct err *err);
/* What the chain says: down to the first image that decides. ABSENT: none does, that is zeroes. Images below that are
 * shorter than the top read as zeroes (kind ZERO, hosted false, depth theirs) behind their end, as in QEMU. */
int img_map_chain(
    struct img *im, uint64_t offset, uint64_t bytes, struct img_extent *e, struct err *err);
/* n bytes at `offset`, which lie in the extent. */
int img_read_extent(
    const struct img_extent *e, uint64_t offset, void *buf, size_t n, struct err *err);
/* As the guest would read it. */
int img_read(struct img *im, uint64_t offset, void *buf, size_t n, struct err *err);
int img_write(struct img *im, uint64_t offset, const void *buf, size_t n, struct err *err);
int img_zero(struct img *im, uint64_t offset, uint64_t bytes, bool keep, struct err *err);
int img_discard(struct img *im, uint64_t offset, uint64_t bytes, struct err *err);
int img_resize(struct img *im, uint64_t size, struct err *err);
int img_flush(struct img *im, struct err *err);

/* NULL ends the list; raw is the last. */
extern const struct img_driver *const img_drivers[];
extern const struct img_driver img_raw, img_qcow2, img_vmdk, img_vdi, img_vpc, img_vhdx, img_qed;
extern const struct img_driver img_qcow;   /* the first version: opened with IMG_INFO alone */
extern const struct img_driver img_unread; /* what is recognised, and then refused by name */
/* By QEMU's word ("qcow2", "vpc", also "vhd"); NULL we do not read it. */
const struct img_driver *img_driver_find(const char *format);
/* By contents; never NULL: what is nothing else is raw. */
const struct img_driver *img_probe(const struct disk_io *io, const char *name, struct err *err);
/* The path of `name` as an image at `image` names it; NULL when it is none of a file ("nbd://…"), with the protocol
 * still in it. On the heap. */
char *img_resolve(const char *image, const char *name);

#endif
