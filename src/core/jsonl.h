/* jsonl: newline-delimited JSON over a stream socket, never blocking. Both QMP and control.sock
 * speak it. Owner: whoever called jsonl_new. Safe to free inside its own callbacks. */
#ifndef CORE_JSONL_H
#define CORE_JSONL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <json-c/json.h>

#include "core/loop.h"

#define JSONL_DEPTH_MAX 64 /* nesting; QMP's deepest answers stay under 12 */
#define JSONL_PENDING_MAX \
	(8u << 20) /* bytes queued towards a peer that does not read, when there is more for it: it is closed */

struct jsonl;

struct jsonl_ops {
	/* One whole message, always a JSON object. Borrowed: json_object_get() to keep it. */
	void (*message)(void *arg, struct json_object *msg);
	/* The peer is gone, sent rubbish, a message over the cap, or does not read: why is a
	 * sentence. Called once, never from inside jsonl_send; afterwards jsonl_send does nothing.
	 * The owner still calls jsonl_free. */
	void (*closed)(void *arg, const char *why);
	/* The peer sends no more but may still read (a half-closed socket, `echo … | socat`). NULL: closed is called
	 * for it. Never from inside jsonl_send. */
	void (*eof)(void *arg);
};

/* Takes fd (non-blocking). max_message: bytes in one line. */
struct jsonl *jsonl_new(
    struct loop *l, int fd, size_t max_message, const struct jsonl_ops *ops, void *arg);
/* Queues one message (borrowed). */
void jsonl_send(struct jsonl *j, struct json_object *msg);
/* The same with a descriptor attached (SCM_RIGHTS, QMP's getfd); fd is borrowed until the call
 * returns. */
void jsonl_send_fd(struct jsonl *j, struct json_object *msg, int fd);
/* on: what is sent waits, and goes out in one write at the end; within one turn of the loop, without descriptors. */
void jsonl_hold(struct jsonl *j, bool on);
/* Another limit than JSONL_PENDING_MAX. */
void jsonl_limit(struct jsonl *j, size_t pending);
/* From now on the descriptors that the peer attaches (SCM_RIGHTS) are received; without it the kernel drops them. */
void jsonl_accept_fds(struct jsonl *j);
/* The descriptor that came with the message that `message` is being called for, or before it; the caller's, -1 none. One is
 * kept at a time: a peer that attaches the next before it has an answer to the last loses that one. */
int jsonl_take_fd(struct jsonl *j);
/* Flushes what it can without waiting and closes. NULL is allowed. */
void jsonl_free(struct jsonl *j);

/* Typed look-ups that treat a wrong type as absent. */
const char *json_get_str(struct json_object *o, const char *key); /* NULL when absent */
int64_t json_get_int(struct json_object *o, const char *key, int64_t absent);
int json_get_bool(struct json_object *o, const char *key, int absent);
struct json_object *json_get_obj(struct json_object *o, const char *key);
struct json_object *json_get_arr(struct json_object *o, const char *key);

#endif
