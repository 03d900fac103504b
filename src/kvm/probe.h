/* probe: a throw-away QEMU that is asked a few questions over QMP and then ended. Blocks its caller
 * up to the deadline; for front ends, and for a supervisor whose VM does not run yet. */
#ifndef KVM_PROBE_H
#define KVM_PROBE_H

#include <stddef.h>
#include <json-c/json.h>

#include "core/buf.h"
#include "core/err.h"

struct probe_question {
	const char *command;
	const char *arguments; /* JSON text, NULL none */
};

/* argv: NULL-terminated, without a monitor (it is added). answers[i] is the caller's to
 * json_object_put, NULL where QEMU refused that question. words (may be NULL): what QEMU printed on
 * standard error. The QEMU never outlives the call, nor its caller's death. -1: it could not be
 * started, ended too early or passed the deadline. */
int probe_run(const char *const *argv, const struct probe_question *questions, size_t n,
    unsigned timeout_ms, struct json_object **answers, struct buf *words, struct err *err);

#endif
