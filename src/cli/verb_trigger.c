/* trigger, acknowledge: what consoles are watched for, and the badges that come of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/change.h"
#include "cli/dispatch.h"
#include "cli/facts.h"
#include "cli/live.h"
#include "cli/out.h"
#include "core/audit.h"
#include "core/domain_meta.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/rpc.h"
#include "core/str.h"
#include "core/triggers.h"
#include "core/vm.h"

/* --- trigger: changing --- */

struct trigger_change {
	struct domain_trigger add; /* borrowed texts; name NULL: nothing is added */
	const char *remove;        /* NULL: nothing is */
};

static int apply_change(struct domain_meta *m, const struct trigger_change *change, struct err *err)
{
	if (change->remove && !domain_meta_remove_trigger(m, change->remove))
		return err_set(err, ERR_NOT_FOUND, "the domain says nothing of a trigger '%s'%s",
		    change->remove,
		    trigger_default_find(change->remove)
		        ? "; a default is switched off by --add NAME --badge none"
		        : "");
	return change->add.name ? domain_meta_set_trigger(m, &change->add, err) : 0;
}

static char *put_triggers(
    void *arg, const char *xml, size_t n, const char *file, size_t *out_n, struct err *err)
{
	struct domain_meta m;
	char *text = NULL;
	(void)domain_meta_parse(xml, n, file, &m, NULL);
	if (apply_change(&m, arg, err) == 0)
		text = domain_meta_apply(xml, n, file, &m, out_n, err);
	domain_meta_fini(&m);
	return text;
}

static int read_change(const struct cli *c, struct trigger_change *change, struct err *err)
{
	const char *badge = cli_value(c, "badge"), *every = cli_value(c, "every");
	uint64_t seconds = 0;
	memset(change, 0, sizeof(*change));
	change->remove = cli_value(c, "remove");
	change->add = (struct domain_trigger){
	    .name = (char *)(uintptr_t)cli_value(c, "add"),
	    .pattern = (char *)(uintptr_t)cli_value(c, "pattern"),
	    .hook = (char *)(uintptr_t)cli_value(c, "hook"),
	    .port = (char *)(uintptr_t)cli_value(c, "port"),
	    .badge = badge ? status_badge_parse(badge) : -1,
	};
	if (!change->add.name && (badge || every || change->add.pattern || change->add.hook))
		return err_set(err, ERR_USAGE, "which trigger? --add NAME says");
	if (every && (str_u64(every, DOMAIN_META_EVERY_MAX, &seconds) < 0 || seconds == 0))
		return err_set(err, ERR_USAGE, "--every: a number of seconds from 1 to %u",
		    DOMAIN_META_EVERY_MAX);
	change->add.every = (unsigned)seconds;
	return 0;
}

static int change_triggers(struct cli *c, const char *name, struct err *err)
{
	struct trigger_change change;
	struct vm vm;
	if (read_change(c, &change, err) < 0 || vm_probe(&c->home, name, &vm, err) < 0)
		return -1;
	unsigned where = (vm.defined ? CHANGE_CONFIG : 0u) | (vm.live ? CHANGE_LIVE : 0u);
	bool live = vm.live;
	vm_fini(&vm);
	int rc = change_domain(c, name, where, c->verb->name, put_triggers, &change, err);
	if (rc <= 0 || !live)
		return rc;
	struct rpc_client *rpc = live_connect(&c->home, name, err);
	if (!rpc)
		return -1;
	rc = rpc_call(rpc, "reload-triggers", NULL, RPC_TIMEOUT_MS, NULL, err);
	rpc_free(rpc);
	return rc < 0 ? -1 : 1;
}

/* --- trigger: showing --- */

static void print_json(const struct triggers_entry *all, unsigned n)
{
	struct json_object *list = json_object_new_array();
	for (unsigned i = 0; i < n; i++) {
		const struct triggers_entry *e = &all[i];
		struct json_object *o = json_object_new_object();
		out_add_str(o, "name", e->rule.name);
		out_add_str(o, "pattern", e->rule.pattern);
		out_add_str(o, "badge", status_badge_word(e->rule.badge));
		out_add_str(o, "port", e->rule.port);
		out_add_str(o, "hook", e->hook);
		out_add_u64(o, "send_bytes", e->n_send);
		json_object_array_add(list, o);
	}
	out_json(list);
}

static void print_table(const struct cli *c, const struct triggers_entry *all, unsigned n)
{
	static const char *const heads[] = {"Name", "Badge", "Port", "Then", "Pattern"};
	struct out_table *t = out_table_new(ARRAY_LEN(heads), heads);
	for (unsigned i = 0; i < n; i++) {
		const struct triggers_entry *e = &all[i];
		CLEANUP_FREE char *then = e->send   ? xasprintf("types %zu bytes", e->n_send)
		                          : e->hook ? xstrdup(e->hook)
		                                    : xstrdup("-");
		const char *cells[] = {e->rule.name, status_badge_word(e->rule.badge),
		    e->rule.port ? e->rule.port : "all", then, e->rule.pattern};
		out_table_row(t, cells);
	}
	CLEANUP_BUF struct buf b = BUF_INIT;
	out_table_format(t, !c->quiet, &b);
	fputs(b.data ? b.data : "", stdout);
	out_table_free(t);
}

static int show_triggers(const struct cli *c, const char *name, struct err *err)
{
	struct domain_meta m;
	struct triggers_entry all[TRIGGER_RULES_MAX];
	int rc = facts_meta(&c->home, name, &m, err);
	unsigned n = triggers_of(&m, all);
	if (rc == 0 && c->json)
		print_json(all, n);
	else if (rc == 0)
		print_table(c, all, n);
	domain_meta_fini(&m);
	return rc;
}

int verb_trigger(struct cli *c)
{
	struct err err = {0};
	CLEANUP_FREE char *name = vm_resolve(&c->home, cli_value(c, "domain"), &err);
	static const char *const changing[] = {
	    "add", "remove", "pattern", "badge", "hook", "port", "every"};
	bool change = false;
	for (size_t i = 0; i < ARRAY_LEN(changing); i++)
		change |= cli_value(c, changing[i]) != NULL;
	if (change && c->readonly) {
		out_error("operation %s forbidden for read only access", c->verb->name);
		return CLI_FAILED;
	}
	int rc = !name    ? -1
	         : change ? change_triggers(c, name, &err)
	                  : show_triggers(c, name, &err);
	if (rc < 0) {
		out_error("%s", err.msg);
		return out_status(&err);
	}
	if (change)
		out_message(
		    c, "Triggers of domain '%s' %s", name, rc > 0 ? "changed" : "were so already");
	return CLI_DONE;
}

/* --- acknowledge --- */

/* The page of a domain that has ended is nobody's: whoever may write it changes it, holding its lock. */
static int acknowledge_ended(const struct home *h, const char *name, struct err *err)
{
	struct status_writer w = {0};
	CLEANUP_FREE char *path = home_run_file(h, name, "status");
	CLEANUP_CLOSE int lock = vm_lock(h, name, err);
	if (lock < 0 || status_writer_open(&w, path, true, err) < 0)
		return -1;
	struct status_page *p = status_begin(&w);
	p->badge = STATUS_BADGE_NONE;
	p->badge_count = 0;
	p->badge_ns = 0;
	p->badge_name[0] = p->badge_line[0] = '\0';
	status_end(&w);
	status_writer_close(&w);
	audit_write(h, name, "who=%u what=acknowledge result=ok", (unsigned)geteuid());
	return 0;
}

static int acknowledge_live(const struct home *h, const char *name, struct err *err)
{
	struct rpc_client *rpc = live_connect(h, name, err);
	if (!rpc)
		return -1;
	int rc = rpc_call(rpc, "acknowledge", NULL, RPC_TIMEOUT_MS, NULL, err);
	rpc_free(rpc);
	return rc;
}

static int acknowledge(struct cli *c, const char *word, struct err *err)
{
	struct vm vm;
	CLEANUP_FREE char *name = vm_resolve(&c->home, word, err);
	if (!name || vm_probe(&c->home, name, &vm, err) < 0)
		return -1;
	bool live = vm.supervised || vm.live, badge = vm.has_page && vm.head->badge;
	CLEANUP_FREE char *what = badge ? xstrdup(vm.head->badge_name) : NULL;
	vm_fini(&vm);
	if (!badge) {
		out_message(c, "Domain '%s' has no badge", name);
		return 0;
	}
	int rc =
	    live ? acknowledge_live(&c->home, name, err) : acknowledge_ended(&c->home, name, err);
	if (rc == 0)
		out_message(c, "Badge '%s' of domain '%s' taken away", what, name);
	return rc;
}

int verb_acknowledge(struct cli *c)
{
	unsigned n;
	int status = CLI_DONE;
	const char *const *words = cli_values(c, "domain", &n);
	for (unsigned i = 0; i < n; i++) {
		struct err err = {0};
		if (acknowledge(c, words[i], &err) == 0)
			continue;
		out_error("%s", err.msg);
		status = CLI_FAILED;
	}
	return status;
}
