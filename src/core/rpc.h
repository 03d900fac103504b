/* rpc: control.sock, the wire between front ends and a supervisor (doc/control-socket.md).
 *
 * Newline-delimited JSON-RPC 2.0. The server greets with the notification
 *   {"jsonrpc":"2.0","method":"hello","params":{"hvmux":"0.1.0","protocol":1,…}}
 * A request is {"jsonrpc":"2.0","id":N,"method":"suspend","params":{…}}; an answer carries "result"
 * or "error":{"code":C,"message":"a sentence"} where C is RPC_ERR_BASE - enum err_code for our own
 * errors and JSON-RPC's numbers otherwise. After "subscribe" the server sends "event"
 * notifications. The methods are listed in doc/control-socket.md.
 *
 * This header holds the blocking client for commands, which may wait, up to a deadline. */
#ifndef CORE_RPC_H
#define CORE_RPC_H

#include <stdbool.h>
#include <json-c/json.h>

#include "core/err.h"
#include "core/home.h"

#define RPC_PROTOCOL 1
#define RPC_MESSAGE_MAX (1u << 20) /* bytes in one message, both ways */
#define RPC_ERR_BASE (-32000)
#define RPC_TIMEOUT_MS 5000 /* for an answer that needs no guest */

struct rpc_client;

/* Connects and reads the hello. ERR_NOT_FOUND when nobody listens. */
struct rpc_client *rpc_connect(
    const struct home *h, const char *name, int timeout_ms, struct err *err);
void rpc_free(struct rpc_client *c);
/* params is taken (NULL for none). *result (may be NULL) is the caller's to json_object_put.
 * Notifications that arrive in between are kept for rpc_next. */
int rpc_call(struct rpc_client *c, const char *method, struct json_object *params, int timeout_ms,
    struct json_object **result, struct err *err);
/* The same with a descriptor attached (SCM_RIGHTS): for "qmp" with getfd and add-fd; borrowed, -1 none. */
int rpc_call_fd(struct rpc_client *c, const char *method, struct json_object *params, int fd,
    int timeout_ms, struct json_object **result, struct err *err);
/* A request that wants no answer; params taken. */
int rpc_notify(
    struct rpc_client *c, const char *method, struct json_object *params, struct err *err);
/* From now on a notification that comes while an answer is awaited is handed to heard (params borrowed, may be NULL) instead of being kept.
 * wake (may be NULL) is called after a signal, and now and then; it may use rpc_notify: false ends the wait with ERR_CANCELLED. */
typedef void rpc_heard_fn(void *arg, const char *method, struct json_object *params);
void rpc_listen(struct rpc_client *c, rpc_heard_fn *heard, bool (*wake)(void *arg), void *arg);
/* The next notification (the caller's), NULL on the deadline (ERR_TIMEOUT; -1 waits for ever) or a
 * lost connection. */
struct json_object *rpc_next(struct rpc_client *c, int timeout_ms, struct err *err);
int rpc_fd(const struct rpc_client *c);

#endif
