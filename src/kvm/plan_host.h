/* plan_host: what plans do on the host, by name; the operations are data in a plan (args), so that the next supervisor can
 * carry on or take back. Every one may be carried out again, and taken back when it was not carried out: ERR_NONE then, too.
 *
 *	op        args                                   what it does
 *	open      name, path, write (bool), node         opens a file for QEMU and keeps the descriptor under `name` for a later step's fd
 *	close     name                                   forgets it
 *	copy      from, to                               a whole file, synced (core/whole_file); never over one that is there
 *	remove    path                                   unlinks it; `only_new` true: only a file that is younger than this plan
 *	rename    from, to
 *	live      xml, was                               run/NAME/live.xml; elements of <domain> that others have changed since `was` stay as they are now
 *	define    xml, was                               the definition, under the store's lock; ERR_BUSY when it is no longer `was`
 *	chains    target                                 remembers what the image of that disk of the live document refers to (kvm/chain_guard.h); of the
 *	                                                 others, which the guest may have written to since, nothing is believed
 *
 *	snapshot-write  xml, current, was              a snapshot's document; current: it is the current one from now on
 *	snapshot-drop   name, was                      its document goes, its children get its parent; was: which one is current then, if it is there
 *	snapshot-current  name                         it becomes the current one
 *	snapshot-nvram  from, to                       the firmware's variables, to a snapshot's copy of them or back
 *	overlay   path, backing, backing_format, size  an empty qcow2 that what backs it need not be opened for; never over a file that is there
 *	overlay-drop  path                             … removed, unless somebody has it open; `only_new` as of remove
 *	save-begin  part, xml, running, name           a save file (core/save_image.h) up to where QEMU's bytes begin, its descriptor under `name`
 *	save-finish  part, path                        whole: synced, marked so, and given its name
 *	save-drop  part                                removed
 *	machine-end  reason                            QEMU is ended, the machine with that reason (enum vm_reason's word)
 *
 *	pci-take  address, managed (bool)              takes a PCI device from the host's driver, for QEMU (hostdev_pci.h)
 *	pci-give  address                              gives it back
 *	leaving   alias, on (bool)                     the guest was asked to let go of it, or has (supervisor_gone.h)
 *
 * The other families' operations stand in their own files and lists: plan_host_image.c (snapshots and overlays of images that no QEMU has open), plan_host_block.c (images for QEMU to open), plan_host_net.c (taps). */
#ifndef KVM_PLAN_HOST_H
#define KVM_PLAN_HOST_H

#include <stdbool.h>
#include <stdint.h>
#include <json-c/json.h>

#include "core/err.h"
#include "core/home.h"

struct plan_host_ctx {
	const struct home *home;
	const char *name; /* the domain */
	/* Descriptors that wait for the step that hands them to QEMU; the executor's. fd is taken. */
	void (*keep_fd)(void *arg, const char *name, int fd);
	void (*drop_fd)(void *arg, const char *name);
	/* Ends QEMU, the machine with that reason (enum vm_reason); the supervisor's. NULL: there is none. */
	void (*end)(void *arg, unsigned reason);
	void *arg;
	uint64_t
	    began_ns; /* CLOCK_REALTIME of the plan's beginning: what is younger may be its own */
};

struct plan_host_op {
	const char *name;
	/* slow: in a thread of its own, so that the supervisor's loop goes on (a copy, an image with many clusters); it must touch nothing of the supervisor's. */
	bool slow;
	int (*run)(const struct plan_host_ctx *c, struct json_object *args, struct err *err);
};

const struct plan_host_op *plan_host_find(const char *name);
/* For the ops' `only_new`: is the file younger than the plan? false: it is not there, either. */
bool plan_host_is_new(const struct plan_host_ctx *c, const char *path);
/* For operations on run/NAME/live.xml: the whole of it anew. */
int plan_host_write_live(const struct plan_host_ctx *c, const char *xml, size_t n, struct err *err);
/* Lists of the families, ended by {0}. */
extern const struct plan_host_op plan_host_ops_basic[];    /* plan_host.c */
extern const struct plan_host_op plan_host_ops_image[];    /* plan_host_image.c */
extern const struct plan_host_op plan_host_ops_device[];   /* plan_host_device.c */
extern const struct plan_host_op plan_host_ops_net[];      /* plan_host_net.c */
extern const struct plan_host_op plan_host_ops_block[];    /* plan_host_block.c */
extern const struct plan_host_op plan_host_ops_snapshot[]; /* plan_host_snapshot.c */
extern const struct plan_host_op plan_host_ops_save[];     /* plan_host_save.c */

#endif
