/* native_source: what a disk's data comes from, out of -drive or a chain of -blockdev; for native*.c
 * alone. Strings are borrowed from the options. */
#ifndef KVM_NATIVE_SOURCE_H
#define KVM_NATIVE_SOURCE_H

#include "kvm/native_impl.h"

struct nat_source {
	const char *file;   /* path or URI; NULL: an empty drive, or network */
	const char *format; /* NULL not told */
	bool block;         /* a block device */
	bool readonly;
	const char *cache, *aio, *discard, *detect_zeroes, *copy_on_read, *werror, *rerror;
	bool direct_known, direct, noflush_known, noflush;
	const char *serial;       /* old -drive's */
	struct nat_opt *protocol; /* the innermost -blockdev when its driver is a network's; NULL */
	struct nat_opt *backing;  /* the format node under it; NULL */
	bool ends;                /* backing= says that there is none */
};

/* Opens the options (nat_open) of the drive or node of this id. false: there is none. */
bool nat_source_find(struct native *n, const char *id, struct nat_source *s);
/* Takes a -drive's keys that are about its data. */
void nat_source_drive(struct native *n, struct nat_opt *drive, struct nat_source *s);
/* <driver>, <source>, <backingStore> into <disk>, with its type. false: a source that has no element.
 * write_cache: the device's own, NULL not told. */
bool nat_source_express(
    struct native *n, const struct nat_source *s, xmlNode *disk, const char *write_cache);
/* Of a file that says nothing: by its first bytes. Never NULL. */
const char *nat_sniff_format(struct native *n, const char *path);

#endif
