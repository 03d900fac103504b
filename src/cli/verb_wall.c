/* wall: the consoles of many domains on one terminal. */
#include <stdlib.h>
#include <string.h>

#include "cli/dispatch.h"
#include "cli/facts.h"
#include "cli/out.h"
#include "core/mem.h"
#include "core/vm.h"
#include "tui/tui.h"

static bool passes(const struct cli *c, const char *name)
{
	unsigned n;
	const char *const *tags = cli_values(c, "tag", &n);
	const char *group = cli_value(c, "group");
	struct domain_meta m;
	if (n == 0 && !group)
		return true;
	(void)facts_meta(&c->home, name, &m, NULL);
	bool yes = !group || domain_meta_in_group(&m, group);
	for (unsigned i = 0; i < n; i++)
		yes &= domain_meta_has_tag(&m, tags[i]);
	domain_meta_fini(&m);
	return yes;
}

static int running(struct cli *c, char ***names, unsigned *n, struct err *err)
{
	struct vm *vms;
	size_t all;
	if (vm_list_brief(&c->home, &vms, &all, err) < 0)
		return -1;
	*names = xcalloc(all + 1, sizeof(**names));
	for (size_t i = 0; i < all; i++)
		if (vms[i].live && passes(c, vms[i].name))
			(*names)[(*n)++] = xstrdup(vms[i].name);
	vm_list_free(vms, all);
	if (!*n)
		return err_set(err, ERR_STATE,
		    "no domain runs%s: name those whose last screens are wanted",
		    cli_value(c, "group") || cli_value(c, "tag")
		        ? " that has this group and these tags"
		        : "");
	return 0;
}

static int named(struct cli *c, const char *const *words, unsigned given, char ***names,
    unsigned *n, struct err *err)
{
	if (cli_value(c, "group") || cli_value(c, "tag"))
		return err_set(err, ERR_USAGE,
		    "--group and --tag choose among the domains that run: they do not go with names");
	*names = xcalloc((size_t)given + 1, sizeof(**names));
	for (unsigned i = 0; i < given; i++) {
		char *name = vm_resolve(&c->home, words[i], err);
		if (!name)
			return -1;
		for (unsigned k = 0; k < *n && name; k++)
			if (!strcmp((*names)[k], name)) {
				free(name);
				name = NULL;
			}
		if (name)
			(*names)[(*n)++] = name;
	}
	return 0;
}

int verb_wall(struct cli *c)
{
	struct err err = {0};
	unsigned given, n = 0;
	char **names = NULL;
	const char *const *words = cli_values(c, "domain", &given);
	c->bare = true;
	int rc = given ? named(c, words, given, &names, &n, &err) : running(c, &names, &n, &err);
	if (rc == 0)
		rc = tui_wall(&c->home, names, n, c->readonly, &err);
	for (unsigned i = 0; i < n; i++)
		free(names[i]);
	free(names);
	if (rc == 0)
		return CLI_DONE;
	out_error("%s", err.msg);
	return out_status(&err);
}
