/* agent: the client of a guest's agent (qemu-ga) on its channel's socket. Never blocks. The guest is not believed: what it
 * sends is bounded (agent_wire.h), read at a bounded rate, and an answer counts only after the agent has shown, by a random
 * number that it returns (guest-sync-delimited), that it speaks to us and of now. Answers are still the guest's words: whoever
 * shows them makes them printable (agent_facts.h). Owner: the supervisor. May be freed inside its own callbacks.
 *
 * The protocol has no ids that every agent returns, so there is one command on the way at a time; the others wait. A
 * command that times out, rubbish, or the agent's restart is followed by a new synchronisation. */
#ifndef KVM_AGENT_H
#define KVM_AGENT_H

#include <stdbool.h>
#include <stdint.h>
#include <json-c/json.h>

#include "core/err.h"
#include "core/loop.h"

#define AGENT_CHANNEL "org.qemu.guest_agent.0"
#define AGENT_CALLS_MAX 32     /* waiting commands; more are refused */
#define AGENT_SYNC_MS 5000     /* for the agent to answer a synchronisation */
#define AGENT_COMMAND_MS 5000  /* for an answer, when nobody says otherwise */
#define AGENT_QUIET_MS 1000    /* silence after which a command without an answer was taken */
#define AGENT_RATE (2u << 20)  /* bytes that are read per second */
#define AGENT_COMMANDS_MAX 256 /* names kept of what the agent can do */
#define AGENT_REQUEST_MAX (512u << 10) /* bytes of one command */

struct agent;

struct agent_ops {
	/* agent_ready turned true or false. */
	void (*changed)(void *arg);
	/* The connection is over, or must be made anew; unanswered commands have been called back. Once. */
	void (*closed)(void *arg, const char *why);
};

/* Takes fd, a connected non-blocking stream socket. */
struct agent *agent_new(struct loop *l, int fd, const struct agent_ops *ops, void *arg);
void agent_free(struct agent *a); /* unanswered commands are called back; NULL is allowed */

/* What QEMU says of the guest's side (VSERPORT_CHANGE, query-chardev): does somebody hold the port open? */
void agent_present(struct agent *a, bool open);
/* Asks a present agent that has not answered yet once more. */
void agent_greet(struct agent *a);
/* Present, synchronised, and its commands are known. */
bool agent_ready(const struct agent *a);
bool agent_is_present(const struct agent *a);
/* Nothing is on its way or waits. */
bool agent_idle(const struct agent *a);
/* The agent has this command and it is not disabled. False while not ready. */
bool agent_supports(const struct agent *a, const char *command);
/* "7.2.22"; "" unknown. Printable. */
const char *agent_version(const struct agent *a);

enum {
	AGENT_SYNC_FIRST = 1, /* make sure that it listens now, before the command is sent */
	AGENT_NO_ANSWER =
	    2, /* success is silence (guest-shutdown): AGENT_QUIET_MS without an error */
};

/* result is what the agent returned (any JSON value, borrowed; NULL on failure and for AGENT_NO_ANSWER). */
typedef void agent_reply_fn(void *arg, struct json_object *result, const struct err *err);

/* Queues a command; args (an object, taken) may be NULL. fn (may be NULL) is called exactly once, never from inside
 * agent_send. timeout_ms counts from now, 0: AGENT_COMMAND_MS. */
void agent_send(struct agent *a, const char *command, struct json_object *args, unsigned flags,
    unsigned timeout_ms, agent_reply_fn *fn, void *arg);

#endif
