/* qmp: QEMU's monitor protocol, the client's side: greeting, capabilities, commands by id, events.
 * Never blocks, never trusts a byte: whatever QEMU sends, the worst outcome is `closed` with a
 * sentence. Owner: whoever called qmp_new. May be freed inside its own callbacks. Source of the
 * protocol: QEMU, docs/interop/qmp-spec. */
#ifndef KVM_QMP_H
#define KVM_QMP_H

#include <stdbool.h>
#include <stdint.h>
#include <json-c/json.h>

#include "core/err.h"
#include "core/loop.h"

#define QMP_MESSAGE_MAX \
	(16u << 20)        /* the longest real answer, query-qmp-schema, is under 300 KiB */
#define QMP_CALLS_MAX 1024 /* unanswered commands; more fail at once */

struct qmp;

struct qmp_ops {
	/* Capabilities are negotiated: commands may be sent. version: 70222 for 7.2.22. */
	void (*ready)(void *arg, unsigned version);
	/* data may be NULL; borrowed. time_ns: CLOCK_REALTIME as QEMU stamped it, 0 when it did
	 * not. */
	void (*event)(void *arg, const char *name, struct json_object *data, uint64_t time_ns);
	/* The connection is over. Every unanswered command has been called back with an error
	 * before. Once. */
	void (*closed)(void *arg, const char *why);
};

/* Takes fd, a connected non-blocking stream socket. */
struct qmp *qmp_new(struct loop *l, int fd, const struct qmp_ops *ops, void *arg);
void qmp_free(struct qmp *q); /* unanswered commands are called back; NULL is allowed */

/* result is borrowed, NULL on failure; then err says what QEMU answered, or why it could not. */
typedef void qmp_reply_fn(void *arg, struct json_object *result, const struct err *err);

/* Queues a command; args (an object, taken) may be NULL. fn (may be NULL) is called exactly once
 * and never from inside qmp_send. timeout_ms 0: waits as long as QEMU takes. After a timeout
 * (ERR_TIMEOUT) the late answer is dropped, but QEMU still owes it. */
void qmp_send(struct qmp *q, const char *command, struct json_object *args, unsigned timeout_ms,
    qmp_reply_fn *fn, void *arg);
/* Several commands at once: between on and off, in one turn of the loop, QEMU is not woken for each. */
void qmp_hold(struct qmp *q, bool on);
/* The same with a descriptor attached, for `getfd` and `add-fd`; borrowed until the call returns. */
void qmp_send_fd(struct qmp *q, const char *command, struct json_object *args, int fd,
    unsigned timeout_ms, qmp_reply_fn *fn, void *arg);
/* CLOCK_MONOTONIC of the oldest command (or greeting) that is unanswered; 0: QEMU owes nothing. */
uint64_t qmp_owed_since(const struct qmp *q);

#endif
