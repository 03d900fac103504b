/* live: a running domain, its supervisor asked on control.sock. Owner of a struct live: the verb, on its stack. */
#ifndef CLI_LIVE_H
#define CLI_LIVE_H

#include <json-c/json.h>

#include "cli/dispatch.h"
#include "core/domain.h"
#include "core/rpc.h"
#include "core/vm.h"

/* vm_probe of a domain that is to be started: one whose QEMU is being ended, or whose supervisor is about to go, is waited for
 * (at most 5 s): a start right after its end is no mistake. *vm is the caller's. */
int live_settled(const struct home *h, const char *name, struct vm *vm, struct err *err);
/* Leaves a VM that is live and has a supervisor, or says that there is none to ask: ERR_STATE when it is not running. */
int live_supervised(const struct home *h, const char *name, struct err *err);
/* A supervisor that has just been started binds its socket in a moment: it is waited for while its lock is held. */
struct rpc_client *live_connect(const struct home *h, const char *name, struct err *err);
/* Whose silence was it? err may be NULL. Puts QEMU or the supervisor, and what to do, into a message of ERR_TIMEOUT. */
void live_explain(const struct home *h, const char *name, struct err *err);

struct live {
	struct cli *c;
	char *name;
	struct rpc_client *rpc; /* NULL: not connected yet */
};

/* Finds the domain that the verb's option "domain" names and connects to its supervisor. live_fini in every case. */
int live_open(struct cli *c, struct live *l, struct err *err);
void live_fini(struct live *l);

/* One request; params taken, *result (may be NULL) the caller's. */
int live_call(struct live *l, const char *method, struct json_object *params, int timeout_ms,
    struct json_object **result, struct err *err);
/* A QMP command; args taken, may be NULL. */
int live_qmp(struct live *l, const char *command, struct json_object *args,
    struct json_object **result, struct err *err);
/* The same with a descriptor, for getfd and add-fd; borrowed. */
int live_qmp_fd(struct live *l, const char *command, struct json_object *args, int fd,
    struct json_object **result, struct err *err);
/* A command of the guest's agent. What it returns are the guest's own words: agent_fact_clean, or str_printable. timeout_ms
 * 0: the agent's usual one. quiet: success is silence. */
int live_agent(struct live *l, const char *command, struct json_object *args, unsigned timeout_ms,
    bool quiet, struct json_object **result, struct err *err);
/* The verb's words "cmd" with blanks between; on the heap. */
char *live_words(const struct cli *c);
/* The verb's words "cmd" as a command: JSON with "execute", or a name alone. *args, *id may come out NULL; all are the
 * caller's. */
int live_parse_command(const struct cli *c, char **command, struct json_object **args,
    struct json_object **id, struct err *err);
/* The definition that it runs with; domain_fini. */
int live_domain(const struct live *l, struct domain *d, struct err *err);

/* Both: live_fini and domain_fini in every case. */
int live_open_domain(struct cli *c, struct live *l, struct domain *d, struct err *err);

/* The element of a list of QEMU's (query-block, query-blockstats) that is the domain's disk number i; borrowed, NULL none. */
struct json_object *live_disk(struct json_object *list, const struct domain *d, size_t i);
/* The number of the disk that a word names, by its target or its image's path; ERR_INVALID in virsh's words. */
int live_find_disk(const struct domain *d, const char *word, size_t *i, struct err *err);

/* "error: …" and CLI_FAILED. what: virsh's first line ("Failed to …"), NULL none. */
int live_failed(const char *what, const struct err *err);

#endif
