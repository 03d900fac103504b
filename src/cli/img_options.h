/* img_options: the "-o name=value,…" of a new image, for create, convert, amend and measure. Owner: the command, on its
 * stack; img_options_fini. */
#ifndef CLI_IMG_OPTIONS_H
#define CLI_IMG_OPTIONS_H

#include <stdbool.h>

#include "core/buf.h"
#include "core/err.h"
#include "disk/qcow2_layout.h"

/* X(id, "name", kind, "what qemu-img prints when it was not told"): in the order in which qemu-img prints them. */
#define IMG_OPTIONS(X)                                   \
	X(ENCRYPTION, "encryption", BOOL, NULL)          \
	X(CLUSTER_SIZE, "cluster_size", SIZE, "65536")   \
	X(EXTENDED_L2, "extended_l2", BOOL, "off")       \
	X(QCOW2_PREALLOC, "preallocation", WORD, NULL)   \
	X(COMPRESSION, "compression_type", WORD, "zlib") \
	X(SIZE, "size", SIZE, NULL)                      \
	X(COMPAT, "compat", WORD, NULL)                  \
	X(BACKING_FILE, "backing_file", WORD, NULL)      \
	X(BACKING_FMT, "backing_fmt", WORD, NULL)        \
	X(DATA_FILE, "data_file", WORD, NULL)            \
	X(DATA_FILE_RAW, "data_file_raw", BOOL, NULL)    \
	X(LAZY_REFCOUNTS, "lazy_refcounts", BOOL, "off") \
	X(REFCOUNT_BITS, "refcount_bits", NUMBER, "16")  \
	X(NOCOW, "nocow", BOOL, NULL)                    \
	X(RAW_PREALLOC, "preallocation", WORD, NULL)     \
	X(EXTENT_HINT, "extent_size_hint", SIZE, NULL)
#define IMG_OPTION_ID(id, name, kind, implied) IMG_OPTION_##id,
enum img_option { IMG_OPTIONS(IMG_OPTION_ID) IMG_OPTION_COUNT };
#undef IMG_OPTION_ID

struct img_options {
	char *values[IMG_OPTION_COUNT]; /* as told; NULL not told */
	bool foreign;                   /* one was told that we cannot do: the encryption's */
	struct qcow2_options qcow2;     /* img_options_read's; words are borrowed from values */
	bool with_size;
};

/* One -o; later ones override. format: "raw" or "qcow2", which know different names. */
int img_options_add(struct img_options *o, const char *format, const char *text, struct err *err);
/* As if -o had told it. */
void img_options_set(struct img_options *o, enum img_option option, const char *value);
/* Values to qcow2 and with_size. ERR_UNSUPPORTED: what is QEMU's own. */
int img_options_read(struct img_options *o, struct err *err);
void img_options_fini(struct img_options *o);

/* Does this -o ask which there are? "help", "?" anywhere in it. */
bool img_options_ask(const char *text);
/* The answer. file: a file's name was told, too. */
void img_options_help(const char *format, bool file, struct buf *out);
/* "cluster_size=65536 extended_l2=off …", as `create` prints what it makes. */
void img_options_print(const struct img_options *o, const char *format, struct buf *out);

#endif
