/* autostart: the mark, and the order at the host's boot. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/change.h"
#include "cli/dispatch.h"
#include "cli/out.h"
#include "core/audit.h"
#include "core/autostart.h"
#include "core/domain_meta.h"
#include "core/mem.h"
#include "core/store.h"
#include "core/str.h"
#include "core/vm.h"

/* An option that is not given leaves its member as it is. */
static int put_number(
    const struct cli *c, const char *option, unsigned max, unsigned *out, struct err *err)
{
	if (cli_value(c, option) == NULL)
		return 0;
	uint64_t n = cli_number(c, option, 0);
	if (n > max)
		return err_set(err, ERR_INVALID,
		    "--%s: a number from 0 to %u is needed, 0 takes it away", option, max);
	*out = (unsigned)n;
	return 0;
}

/* All of --after together replace what there was; an empty name leaves none. */
static int put_after(const struct cli *c, struct domain_meta *m, struct err *err)
{
	unsigned n;
	const char *const *names = cli_values(c, "after", &n);
	if (n == 0)
		return 0;
	for (size_t i = 0; i < m->n_after; i++)
		free(m->after[i]);
	m->n_after = 0;
	m->after = xreallocarray(m->after, n, sizeof(*m->after));
	for (unsigned i = 0; i < n; i++) {
		if (names[i][0] == '\0')
			continue;
		if (name_check("domain", names[i], err) < 0)
			return -1;
		m->after[m->n_after++] = xstrdup(names[i]);
	}
	return 0;
}

static char *put_order(
    void *arg, const char *xml, size_t n, const char *file, size_t *out_n, struct err *err)
{
	const struct cli *c = arg;
	struct domain_meta m;
	char *text = NULL;
	(void)domain_meta_parse(xml, n, file, &m, NULL);
	if (put_number(c, "order", DOMAIN_META_ORDER_MAX, &m.order, err) == 0 &&
	    put_number(c, "delay", DOMAIN_META_DELAY_MAX, &m.delay, err) == 0 &&
	    put_number(c, "shutdown-timeout", DOMAIN_META_TIMEOUT_MAX, &m.timeout, err) == 0 &&
	    put_after(c, &m, err) == 0)
		text = domain_meta_apply(xml, n, file, &m, out_n, err);
	domain_meta_fini(&m);
	return text;
}

static bool wants_order(const struct cli *c)
{
	unsigned n;
	(void)cli_values(c, "after", &n);
	return n > 0 || cli_value(c, "order") || cli_value(c, "delay") ||
	       cli_value(c, "shutdown-timeout");
}

/* It may be defined later; a mistyped one never is. */
static void warn_of_unknown(const struct cli *c, const char *after, const char *name)
{
	CLEANUP_FREE char *path = home_domain_xml(&c->home, after);
	if (after[0] != '\0' && access(path, F_OK) < 0)
		out_warning(
		    "--after %s: there is no domain of that name; '%s' does not wait for it", after,
		    name);
}

static int check_after(const struct cli *c, const char *name, struct err *err)
{
	unsigned n;
	const char *const *names = cli_values(c, "after", &n);
	for (unsigned i = 0; i < n; i++)
		if (str_eq(names[i], name))
			return err_set(err, ERR_INVALID,
			    "--after %s: a domain cannot come after itself", name);
	return 0;
}

static int set_mark(struct cli *c, const char *name, bool on, struct err *err)
{
	CLEANUP_CLOSE int lock = store_lock(&c->home, err);
	if (lock < 0 || autostart_set(&c->home, name, on, err) < 0)
		return -1;
	audit_write(&c->home, name, "uid=%u pid=%d what=autostart value=%s result=ok",
	    (unsigned)getuid(), (int)getpid(), on ? "enable" : "disable");
	return 0;
}

static int autostart(struct cli *c, const char *word, bool on, struct err *err)
{
	struct vm vm;
	CLEANUP_FREE char *name = vm_resolve(&c->home, word, err);
	if (name == NULL || vm_probe(&c->home, name, &vm, err) < 0)
		return -1;
	bool defined = vm.defined;
	vm_fini(&vm);
	if (!defined)
		return err_set(err, ERR_STATE,
		    "Requested operation is not valid: cannot set autostart for transient domain");
	if (check_after(c, name, err) < 0)
		return -1;
	/* The order first: a mark that is there is one that is meant so. */
	if (wants_order(c) &&
	    change_domain(c, name, CHANGE_CONFIG, "autostart", put_order, c, err) < 0)
		return -1;
	unsigned n;
	const char *const *names = cli_values(c, "after", &n);
	for (unsigned i = 0; i < n; i++)
		warn_of_unknown(c, names[i], name);
	return set_mark(c, name, on, err);
}

int verb_autostart(struct cli *c)
{
	unsigned n;
	const char *const *words = cli_values(c, "domain", &n);
	bool on = !cli_flag(c, "disable");
	int status = CLI_DONE;
	for (unsigned i = 0; i < n; i++) {
		struct err err = {0};
		if (autostart(c, words[i], on, &err) == 0) {
			out_message(c, "Domain '%s' %s as autostarted", words[i],
			    on ? "marked" : "unmarked");
			continue;
		}
		if (err.code != ERR_NOT_FOUND)
			out_error("Failed to %smark domain '%s' as autostarted", on ? "" : "un",
			    words[i]);
		out_error("%s", err.msg);
		status = CLI_FAILED;
	}
	return status;
}
