/* control: the server of run/NAME/control.sock (core/rpc.h, doc/control-socket.md): clients, their
 * rights, requests and events. Knows no QEMU: requests go to control_ops and are answered when
 * their result is known. Every request that changes something is written to the audit log with its
 * result. Owner: the supervisor. */
#ifndef KVM_CONTROL_H
#define KVM_CONTROL_H

#include <stdbool.h>
#include <json-c/json.h>

#include "core/err.h"
#include "core/home.h"
#include "core/loop.h"
#include "kvm/machine.h"

#define CONTROL_CLIENTS_MAX 64
#define CONTROL_READERS_MAX 48 /* of them, of the readers' group */
/* Bytes queued towards a client that does not read, when there is more for it: it is closed. */
#define CONTROL_PENDING_MAX (1u << 20)
#define CONTROL_PENDING_READER_MAX (256u << 10)
#define CONTROL_REQUESTS_MAX 16 /* unanswered ones of one client; more are refused */

struct control;
struct control_req;

/* A request that control.c does not know itself. */
enum {
	CONTROL_READS = 1,   /* changes nothing: not in the audit log */
	CONTROL_COMMAND = 2, /* params name a command in "execute"; the audit log has it */
	CONTROL_MIXED = 4,   /* for readers, too, of whom fn refuses what changes something */
};
struct control_method {
	const char *name; /* NULL ends the table */
	unsigned flags;
	void (*fn)(void *arg, struct json_object *params, struct control_req *r);
};

struct control_ops {
	/* suspend, resume, reset, shutdown, reboot, destroy. */
	void (*operate)(void *arg, enum machine_event ev, struct control_req *r);
	/* A QMP command of the operator's; args borrowed, may be NULL. fd: came with it, borrowed, -1 none. */
	void (*qmp)(void *arg, const char *command, struct json_object *args, int fd,
	    struct control_req *r);
	/* Fills the answer to "status". */
	void (*status)(void *arg, struct json_object *result);
	const struct control_method *methods; /* NULL: none */
};

struct control *control_new(struct loop *l, const struct home *h, const char *name,
    const struct control_ops *ops, void *arg, struct err *err);
/* Answers and frees the request, once. err NULL: done, result (taken, may be NULL) goes with it.
 * Its client may have left: then only the audit log hears of it. */
void control_reply(struct control_req *r, struct json_object *result, const struct err *err);
/* "root(0) pid=4711" */
const char *control_req_who(const struct control_req *r);
/* Its client may look only. */
bool control_req_reader(const struct control_req *r);
/* Its client has left. */
bool control_req_left(const struct control_req *r);
/* Do both come from one client that is still there? */
bool control_req_same_client(const struct control_req *a, const struct control_req *b);
/* What the audit log calls it, and whether it is to stand there. */
void control_req_name(struct control_req *r, const char *what, bool audited);
/* A notification to the client that asked, before its answer; params taken. */
void control_req_notify(struct control_req *r, const char *method, struct json_object *params);
/* To every subscriber. detail may be NULL; data (taken) too. */
void control_event(
    struct control *c, const char *event, const char *detail, struct json_object *data);
/* QEMU's own event, to those who subscribed to these; data borrowed, may be NULL. time_ns 0: now. */
void control_qemu_event(
    struct control *c, const char *event, struct json_object *data, uint64_t time_ns);
/* Listens no more and removes the socket; clients that are there stay. */
void control_stop(struct control *c);
/* Open requests are answered with an error. */
void control_free(struct control *c);

#endif
