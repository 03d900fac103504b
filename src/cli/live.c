#include "cli/live.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "cli/out.h"
#include "core/buf.h"
#include "core/file.h"
#include "core/jsonl.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/store.h"
#include "core/str.h"
#include "kvm/argv.h"

#define SOCKET_RETRY_MS 20
#define ENDING_STEP_MS 20
#define ENDING_WAIT_MS 5000 /* of a QEMU that was told to end: quit, SIGTERM, SIGKILL */
#define AGENT_MARGIN_MS \
	3000 /* beyond the agent's own deadline: the supervisor's words are better than ours */
#define AGENT_USUAL_MS 5000
#define NOT_RUNNING "Requested operation is not valid: domain is not running"

/* A supervisor that has just been started binds its socket in a moment: it is waited for while the lock is held. */
struct rpc_client *live_connect(const struct home *h, const char *name, struct err *err)
{
	uint64_t end = loop_now_ms() + RPC_TIMEOUT_MS;
	for (;;) {
		struct rpc_client *r = rpc_connect(h, name, RPC_TIMEOUT_MS, err);
		if (r || err->code != ERR_NOT_FOUND || loop_now_ms() > end)
			return r;
		if (!vm_locked(h, name)) {
			err_set(err, ERR_STATE, NOT_RUNNING);
			return NULL;
		}
		poll(NULL, 0, SOCKET_RETRY_MS);
	}
}

/* Whose silence was it? The status page knows. */
void live_explain(const struct home *h, const char *name, struct err *err)
{
	struct vm vm;
	if (!err || err->code != ERR_TIMEOUT || vm_probe(h, name, &vm, NULL) < 0)
		return;
	if (vm.head && vm.head->qmp_wait_ns && loop_now_ns() - vm.head->beat_ns < VM_SILENT_NS)
		err_set(err, ERR_TIMEOUT,
		    "QEMU (process %d) does not answer; it may be stopped or hang in disk access; 'hvmux destroy' ends it",
		    vm.head->qemu_pid);
	else if (vm.head)
		err_set(err, ERR_TIMEOUT, "the supervisor (process %d) does not answer",
		    vm.head->sup_pid);
	vm_fini(&vm);
}

int live_settled(const struct home *h, const char *name, struct vm *vm, struct err *err)
{
	for (unsigned ms = 0;; ms += ENDING_STEP_MS) {
		if (vm_probe(h, name, vm, err) < 0)
			return -1;
		bool ending = vm->state == VM_STOPPING || vm->state == VM_OFF;
		if (!vm->live || vm->orphan || !ending || ms >= ENDING_WAIT_MS)
			return 0;
		vm_fini(vm);
		poll(NULL, 0, ENDING_STEP_MS);
	}
}

/* Leaves a VM that is live and has a supervisor, or says that there is none to ask: ERR_STATE when it is not running. */
int live_supervised(const struct home *h, const char *name, struct err *err)
{
	struct err why = {0};
	struct vm vm;
	if (vm_probe(h, name, &vm, err) < 0)
		return -1;
	bool adopt = vm.orphan || vm.unsettled;
	vm_fini(&vm);
	/* Adoption fails where QEMU is found dead: that is settled then, and the next look tells. */
	if (adopt)
		(void)vm_spawn_supervisor(h, name, VM_SPAWN_ADOPT, &why);
	if (vm_probe(h, name, &vm, err) < 0)
		return -1;
	bool live = vm.live, orphan = vm.orphan;
	vm_fini(&vm);
	if (!live)
		return err_set(err, ERR_STATE, NOT_RUNNING);
	if (orphan)
		return err_set(err, why.code ? why.code : ERR_FAIL,
		    "its supervisor is gone and a new one could not take over: %s", why.msg);
	return 0;
}

int live_open(struct cli *c, struct live *l, struct err *err)
{
	memset(l, 0, sizeof(*l));
	l->c = c;
	l->name = vm_resolve(&c->home, cli_value(c, "domain"), err);
	if (!l->name || live_supervised(&c->home, l->name, err) < 0)
		return -1;
	l->rpc = live_connect(&c->home, l->name, err);
	if (!l->rpc)
		live_explain(&c->home, l->name, err);
	return l->rpc ? 0 : -1;
}

void live_fini(struct live *l)
{
	rpc_free(l->rpc);
	free(l->name);
	memset(l, 0, sizeof(*l));
}

int live_call(struct live *l, const char *method, struct json_object *params, int timeout_ms,
    struct json_object **result, struct err *err)
{
	int rc = rpc_call(l->rpc, method, params, timeout_ms, result, err);
	if (rc < 0)
		live_explain(&l->c->home, l->name, err);
	return rc;
}

static struct json_object *command_params(const char *command, struct json_object *args)
{
	struct json_object *p = json_object_new_object();
	json_object_object_add(p, "execute", json_object_new_string(command));
	if (args)
		json_object_object_add(p, "arguments", args);
	return p;
}

int live_qmp(struct live *l, const char *command, struct json_object *args,
    struct json_object **result, struct err *err)
{
	return live_qmp_fd(l, command, args, -1, result, err);
}

int live_qmp_fd(struct live *l, const char *command, struct json_object *args, int fd,
    struct json_object **result, struct err *err)
{
	int rc = rpc_call_fd(
	    l->rpc, "qmp", command_params(command, args), fd, RPC_TIMEOUT_MS, result, err);
	if (rc < 0)
		live_explain(&l->c->home, l->name, err);
	return rc;
}

int live_agent(struct live *l, const char *command, struct json_object *args, unsigned timeout_ms,
    bool quiet, struct json_object **result, struct err *err)
{
	struct json_object *p = command_params(command, args);
	unsigned wait = (timeout_ms ? timeout_ms : AGENT_USUAL_MS) + AGENT_MARGIN_MS;
	if (timeout_ms)
		json_object_object_add(p, "timeout_ms", json_object_new_int64(timeout_ms));
	if (quiet)
		json_object_object_add(p, "quiet", json_object_new_boolean(true));
	/* Not live_explain: the guest is silent, not QEMU. */
	return rpc_call(l->rpc, "agent", p, (int)wait, result, err);
}

char *live_words(const struct cli *c)
{
	unsigned n;
	const char *const *words = cli_values(c, "cmd", &n);
	struct buf b = BUF_INIT;
	for (unsigned i = 0; i < n; i++)
		buf_addf(&b, "%s%s", i ? " " : "", words[i]);
	return buf_take(&b);
}

static struct json_object *take_member(struct json_object *o, const char *key)
{
	struct json_object *v = NULL;
	json_object_object_get_ex(o, key, &v);
	return json_object_get(v);
}

int live_parse_command(const struct cli *c, char **command, struct json_object **args,
    struct json_object **id, struct err *err)
{
	CLEANUP_FREE char *text = live_words(c);
	*args = *id = NULL;
	*command = NULL;
	if (text[strspn(text, " \t\n")] != '{') {
		*command = TAKE_PTR(text);
		return 0;
	}
	struct json_object *o = json_tokener_parse(text);
	const char *name = json_get_str(o, "execute");
	if (name) {
		*command = xstrdup(name);
		*args = take_member(o, "arguments");
		*id = take_member(o, "id");
	}
	json_object_put(o);
	if (*command)
		return 0;
	return err_set(err, ERR_INVALID,
	    "internal error: cannot parse json %s: an object with \"execute\" is needed", text);
}

int live_domain(const struct live *l, struct domain *d, struct err *err)
{
	CLEANUP_BUF struct buf xml = BUF_INIT;
	CLEANUP_FREE char *path = home_run_file(&l->c->home, l->name, "live.xml");
	memset(d, 0, sizeof(*d));
	if (file_read(path, STORE_XML_MAX, &xml, err) < 0)
		return -1;
	return domain_parse(xml.data ? xml.data : "", xml.len, path,
	    DOMAIN_PARSE_LENIENT | DOMAIN_PARSE_LIVE, d, NULL, err);
}

int live_open_domain(struct cli *c, struct live *l, struct domain *d, struct err *err)
{
	memset(d, 0, sizeof(*d));
	return live_open(c, l, err) < 0 ? -1 : live_domain(l, d, err);
}

/* "/machine/peripheral/virtio-disk0/virtio-backend", "/machine/peripheral/ide0-0-0", or the id alone */
static bool path_names(const char *path, const char *id)
{
	size_t n = strlen(id);
	for (const char *at = path; at && (at = strstr(at, id)); at += n)
		if ((at == path || at[-1] == '/') && (at[n] == '\0' || at[n] == '/'))
			return true;
	return false;
}

struct json_object *live_disk(struct json_object *list, const struct domain *d, size_t i)
{
	char id[ARGV_ID_MAX];
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
	argv_disk_id(d, i, id);
	for (size_t k = 0; k < n; k++) {
		struct json_object *o = json_object_array_get_idx(list, k);
		if (path_names(json_get_str(o, "qdev"), id) ||
		    path_names(json_get_str(o, "device"), id))
			return o;
	}
	return NULL;
}

int live_find_disk(const struct domain *d, const char *word, size_t *i, struct err *err)
{
	for (*i = 0; *i < d->n_disks; ++*i)
		if (str_eq(d->disks[*i].target, word) || str_eq(d->disks[*i].image.path, word))
			return 0;
	return err_set(
	    err, ERR_INVALID, "invalid argument: invalid path %s not assigned to domain", word);
}

int live_failed(const char *what, const struct err *err)
{
	if (what)
		out_error("%s", what);
	out_error("%s", err->msg);
	return out_status(err);
}
