/* companion: a side process of a VM: swtpm, virtiofsd. Started before QEMU, on a socket that is handed over to both, so
 * nothing is waited for; ended with QEMU. It stands in run/NAME/companions ("LABEL PID START" per line) before it is
 * another program, so whoever starts or adopts the VM next finds it, and ends it when its QEMU never came. Owner of the set: the supervisor. */
#ifndef KVM_COMPANION_H
#define KVM_COMPANION_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"
#include "core/home.h"
#include "core/loop.h"
#include "kvm/confine.h"

#define COMPANIONS_MAX 64

struct companion_set;

struct companion_spec {
	const char *label; /* "tpm", "fs0": one word, and the name of its log, log/NAME/LABEL.log */
	const char *what;  /* for messages: "swtpm (the TPM)" */
	char *const *argv;
	int fd;          /* becomes its descriptor 3; borrowed; -1 none */
	const char *dir; /* its folder; NULL / */
	const struct confine *confine;
	const int *cgroups; /* as in struct spawn */
	size_t n_cgroups;
};

struct companion_ops {
	/* It ended and QEMU did not: `words` say which, how, and what it said last. */
	void (*died)(void *arg, const char *label, const char *words);
};

struct companion_set *companion_set_new(struct loop *l, const struct home *h, const char *name,
    const struct companion_ops *ops, void *arg);
/* Starts one. Those of an earlier QEMU are to be ended before: companion_end_all. */
int companion_start(struct companion_set *s, const struct companion_spec *spec, struct err *err);
/* Runs a program that prepares one, in the same way, and waits until it has ended well, ms milliseconds at most. */
int companion_run(
    struct companion_set *s, const struct companion_spec *spec, int ms, struct err *err);
/* The same, but returns at once: done is called once, never from inside, with NULL when it has ended well. One at a time. */
typedef void companion_done_fn(void *arg, const struct err *err);
int companion_run_later(struct companion_set *s, const struct companion_spec *spec, int ms,
    companion_done_fn *done, void *arg, struct err *err);
/* Kills it; done is called later, with an error. false: there is none. */
bool companion_run_abort(struct companion_set *s);
/* Those that a supervisor before us started; nothing when the set has some. */
void companion_adopt(struct companion_set *s);
/* QEMU is gone, or is not to be: asks them to end; those that are still there after COMPANION_END_MS are killed. Returns at
 * once; from now on nobody is told of an end. */
void companion_end(struct companion_set *s);
/* The same, and waits until they are gone: they hold locks that their successors need. */
void companion_end_all(struct companion_set *s);
/* What is known of those that ended by themselves, a sentence each, on the heap; NULL none. */
char *companion_words(struct companion_set *s);
/* Companions that live are left alone. */
void companion_set_free(struct companion_set *s);

#endif
