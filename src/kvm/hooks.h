/* hooks: programs of the administrator's that are told of a VM's life (hvmux-hooks(5)): every
 * executable file in conf/hooks.d, in the order of their names, as `FILE NAME OPERATION SUB-OPERATION -`
 * with the domain's XML on standard input. They run one after the other, operations in the order in which
 * they were asked for; the loop goes on meanwhile. What they print goes to the VM's log. Owner: the
 * supervisor. */
#ifndef KVM_HOOKS_H
#define KVM_HOOKS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"
#include "core/home.h"
#include "core/loop.h"

#define HOOKS_TIMEOUT_S 30
#define HOOKS_OUTPUT_MAX 65536u /* bytes of the log that one run may fill */

enum hook_op {
	HOOK_PREPARE,  /* before QEMU: may refuse; sub-operation "begin" */
	HOOK_STARTED,  /* the guest runs; "begin" */
	HOOK_STOPPED,  /* QEMU has ended; "end" */
	HOOK_RELEASED, /* the last word, always after a prepare; "end" */
	HOOK_MATCH,    /* hooks_run_match's */
	HOOK_OPS
};
const char *hook_op_name(enum hook_op op);

struct hooks;

/* timeout_s: how long one program may take before its process group is killed. */
struct hooks *hooks_new(struct loop *l, const struct home *h, const char *name, unsigned timeout_s);
/* What runs is killed, but for what is told of a match; nobody is called back. NULL is allowed. */
void hooks_free(struct hooks *k);
/* Is there a program to be run? Those that are not safe to run (not the owner's, writable by others) are
 * none, and the log says so. *idle: the files that cannot be executed, on the heap; NULL none. */
bool hooks_any(const struct home *h, char **idle);

/* err NULL: every program did well. The first one that fails ends a prepare; for other operations the next
 * one is run all the same, and err is the first failure. Never from inside hooks_run. */
typedef void hooks_done_fn(void *arg, enum hook_op op, const struct err *err);
/* xml is copied. fn may be NULL. */
void hooks_run(
    struct hooks *k, enum hook_op op, const char *xml, size_t n, hooks_done_fn *fn, void *arg);
/* One program of an absolute path, that a trigger names: `FILE NAME console-match TRIGGER PORT`, in whose environment they
 * stand too (HVMUX_DOMAIN, HVMUX_TRIGGER, HVMUX_PORT), with the line on standard input. It has to be as safe to run as
 * those in hooks.d. -1: HOOKS_MATCHES_MAX wait already, and it is not run. */
#define HOOKS_MATCHES_MAX 4u
int hooks_run_match(
    struct hooks *k, const char *file, const char *trigger, const char *port, const char *line);
/* Prepares that run or wait are ended; each is called back with an error. true: there was one. */
bool hooks_abort_prepare(struct hooks *k);

#endif
