/* agent_wire: what comes from a guest agent's channel, cut into JSON objects. No I/O. Everything in it
 * may be a lie: length, depth and number of values are bounded before anything is built of them.
 * Owner: whoever called agent_wire_init.
 *
 * A message is a line. The byte 0xFF, which no UTF-8 text holds, marks the next message as the answer
 * to guest-sync-delimited and throws away what came before it (QEMU, docs/interop/qemu-ga-ref). */
#ifndef KVM_AGENT_WIRE_H
#define KVM_AGENT_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <json-c/json.h>

#include "core/buf.h"

#define AGENT_MESSAGE_MAX (480u << 10) /* bytes; it must fit into a message of control.sock */
#define AGENT_DEPTH_MAX 16             /* nested arrays and objects; real answers stay under 8 */
#define AGENT_VALUES_MAX 20000 /* values in one message: json-c takes up to 350 bytes each */

struct agent_wire {
	struct buf line;
	bool skipping; /* over the limit: up to the line's end */
	bool marked;   /* 0xFF came, no message since */
};

struct agent_wire_ops {
	/* Borrowed. false: no more of this, the rest of the bytes is dropped. */
	bool (*message)(void *arg, struct json_object *msg, bool marked);
	/* A line that is no message; why is a sentence's end: "is not a JSON object". */
	bool (*rubbish)(void *arg, const char *why);
};

void agent_wire_init(struct agent_wire *w);
void agent_wire_fini(struct agent_wire *w);
void agent_wire_reset(struct agent_wire *w);
void agent_wire_feed(
    struct agent_wire *w, const char *data, size_t n, const struct agent_wire_ops *ops, void *arg);

#endif
