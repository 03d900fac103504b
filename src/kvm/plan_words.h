/* plan_words: the value of one option of the command line (kvm/argv.h makes it) as the arguments of the QMP command that does the
 * same to a QEMU that runs. Pure. What QMP wants as a number or a truth value becomes one: its schema says so for block nodes,
 * objects, network ends and character devices, and from QEMU 9.2 on devices' properties are as strict.
 * Source: QEMU's qapi/ (block-core, qom, net, char) and the properties of its devices. */
#ifndef KVM_PLAN_WORDS_H
#define KVM_PLAN_WORDS_H

#include <json-c/json.h>

#include "core/err.h"

/* One of "-blockdev", "-object", "-chardev", "-netdev", "-device", "-drive" (if=none of a host's SCSI device alone). */
struct word_kind {
	const char *option;
	const char *command,
	    *key; /* what adds it, and the member of its arguments that is its name */
	const char *undo, *undo_key; /* what takes it away, and its member */
	/* The arguments, the caller's; NULL: ERR_UNSUPPORTED, ERR_INVALID. */
	struct json_object *(*convert)(const char *value, struct err *err);
};
const struct word_kind *word_kind(
    const char *option); /* NULL: this cannot be done to a QEMU that runs */

#endif
