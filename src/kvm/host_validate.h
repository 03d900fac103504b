/* host_validate: what this host can give to guests, and what it lacks, found by looking and by trying. Owner: whoever
 * called host_validate. */
#ifndef KVM_HOST_VALIDATE_H
#define KVM_HOST_VALIDATE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/home.h"
#include "core/node.h"
#include "kvm/caps.h"

enum host_verdict {
	HOST_PASS,
	HOST_WARN, /* guests run, but slower, or without some device */
	HOST_FAIL, /* guests do not run, or not by hardware */
	HOST_VERDICTS
};

struct host_check {
	const char *id; /* "kvm-device": for programs; stays */
	char *what;     /* "if device /dev/kvm exists": goes on after "Checking" */
	enum host_verdict verdict;
	char *hint;   /* when it does not pass: what to do; NULL */
	char *detail; /* what was found: "7.2.22, /usr/bin/qemu-system-x86_64"; NULL */
};

struct host_report {
	struct host_check *checks;
	size_t n;
};

/* What the checks look at. */
struct host_facts {
	const char *root; /* "" or, for tests, a folder that stands for / */
	struct node node;
	bool qemu;        /* caps are those of a QEMU */
	char *qemu_error; /* why not; NULL */
	struct caps caps;
	struct caps_kvm kvm;
	bool synchronised; /* the host's clock, as the kernel says */
	bool system;       /* system mode: units matter */
};

/* Reads root, asks QEMU and tries KVM (some seconds when nothing is cached). */
int host_facts_read(const struct home *h, const char *root, struct host_facts *f, struct err *err);
void host_facts_fini(struct host_facts *f);

/* Every check, in the order in which they are shown. Never fails. */
void host_validate(const struct host_facts *f, struct host_report *r);
void host_report_fini(struct host_report *r);
/* "PASS", "WARN", "FAIL" */
const char *host_verdict_name(enum host_verdict v);
/* Why KVM cannot be used, a sentence; NULL when it can. Borrowed. */
const char *host_kvm_problem(const struct host_facts *f);

#endif
