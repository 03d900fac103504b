/* import: what another host's libvirt kept, and what becomes of it here. Nothing of libvirt's is
 * changed, nothing of it is run; its files are read as anybody may have written them.
 *
 * Source of the layout: libvirt's "Directory locations": /etc/libvirt/qemu holds NAME.xml,
 * autostart/ with links to them, networks/ with an autostart/ of its own; /etc/libvirt holds
 * storage/, secrets/, nwfilter/; /var/lib/libvirt/qemu holds snapshot/NAME/, checkpoint/NAME/,
 * nvram/ and save/NAME.save. A user's session has all of it below ~/.config/libvirt. */
#ifndef CORE_IMPORT_H
#define CORE_IMPORT_H

#include <libxml/tree.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/home.h"

#define IMPORT_FILES_MAX 100000u /* of one tree: more is no libvirt's */

enum import_kind {
	IMPORT_DOMAIN,
	IMPORT_NETWORK,
	IMPORT_POOL,
	IMPORT_SNAPSHOT,
	IMPORT_CHECKPOINT,
	IMPORT_SAVE,
	IMPORT_SECRET,
	IMPORT_NWFILTER,
	IMPORT_KIND_COUNT
};

struct import_file {
	enum import_kind kind;
	char *path;
	char *stem;     /* the file's name without its ending */
	char *domain;   /* whose snapshot or checkpoint; NULL others */
	bool autostart; /* a link to it stands in autostart/ */
};

struct import_qemu { /* a process that was started with -uuid */
	pid_t pid;
	char *uuid;
};

/* --- the tree: import_tree.c. Owner: whoever called import_tree_read. --- */
struct import_tree {
	char *qemu;   /* absolute, without links: …/libvirt/qemu */
	char *config; /* …/libvirt; NULL when only a folder of definitions was given */
	char *state;  /* …/var/lib/libvirt/qemu or, of a session, qemu itself; NULL not found */
	char *
	    root; /* what stands before etc/libvirt: "" for this host, "/mnt" for a copied one; NULL
	                 a session's or unknown */
	struct import_file *files; /* by kind, then by name */
	size_t n;
	struct import_qemu *qemus; /* that ran when the tree was read */
	size_t n_qemus;
	bool incomplete;  /* a folder could not be read */
	struct buf notes; /* what could not be looked at, a line each */
};

/* dir: /etc/libvirt, its qemu, or any copy of them. ERR_NOT_FOUND when there is nothing of libvirt's
 * in it. A folder inside that cannot be read is noted. */
int import_tree_read(const char *dir, struct import_tree *t, struct err *err);
void import_tree_fini(struct import_tree *t);

/* --- what there is to say of one domain --- */
enum import_level {
	IMPORT_SAYS,    /* good to know; nothing differs */
	IMPORT_DIFFERS, /* it runs, and something is not as it was */
	IMPORT_WAITS,   /* defined, but a start is refused until something was done */
	IMPORT_FAILS,   /* not defined */
	IMPORT_LEVEL_COUNT
};
struct import_note {
	enum import_level level;
	char *text; /* a sentence */
};
struct import_notes {
	struct import_note *notes;
	size_t n;
	enum import_level worst;
};
void import_note(struct import_notes *n, enum import_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Each line of a text by itself. */
void import_note_lines(struct import_notes *n, enum import_level level, const char *lines);
void import_notes_fini(struct import_notes *n);

/* --- a domain's document: import_domain.c --- */
/* Puts into it what libvirt knows beside it (the firmware's variables), takes out what only libvirt's
 * host has (the path of its QEMU). */
void import_adapt(
    const struct import_tree *t, xmlDoc *doc, const char *name, struct import_notes *n);
/* Files that it names and that are not here or not ours to use; saved states. */
void import_check_files(
    const struct import_tree *t, const xmlDoc *doc, const char *name, struct import_notes *n);
/* What its network cards are plugged into and is not here: import_net.c */
void import_check_nets(const struct import_tree *t, const xmlDoc *doc, struct import_notes *n);
/* Into t->qemus. */
void import_find_qemus(struct import_tree *t);
/* A QEMU that libvirt runs for it now: its process, 0 none. uuid as text, NULL unknown. */
pid_t import_running(const struct import_tree *t, const char *name, const char *uuid);

/* --- into our folders: import_keep.c --- */
enum import_kept { IMPORT_KEPT_NEW, IMPORT_KEPT_SAME, IMPORT_KEPT_OTHER, IMPORT_KEPT_REPLACED };
/* Copies a network, a pool or a snapshot whole. IMPORT_KEPT_OTHER: another of that name is here and
 * stays, unless overwrite. dry: only says what would be. */
int import_keep(const struct home *h, const struct import_file *f, bool overwrite, bool dry,
    enum import_kept *kept, struct err *err);
/* "network", "pool", "snapshot" …; never NULL. */
const char *import_kind_name(enum import_kind kind);

#endif
