/* domif-getlink: is an interface's cable plugged in? */
#include <stdio.h>
#include <stdlib.h>

#include "cli/change.h"
#include "cli/dispatch.h"
#include "cli/out.h"
#include "core/domain.h"
#include "core/mem.h"
#include "core/vm.h"

/* The document that is meant, as data; domain_fini. */
static int read_domain(struct cli *c, struct domain *d, struct err *err)
{
	struct vm vm;
	CLEANUP_BUF struct buf xml = BUF_INIT;
	CLEANUP_FREE char *name = vm_resolve(&c->home, cli_value(c, "domain"), err);
	if (name == NULL || vm_probe(&c->home, name, &vm, err) < 0)
		return -1;
	bool config = cli_flag(c, "config") || cli_flag(c, "persistent");
	unsigned where = vm.live && !config ? CHANGE_LIVE : CHANGE_CONFIG;
	vm_fini(&vm);
	if (change_read(&c->home, name, where, &xml, err) < 0)
		return -1;
	unsigned live = where == CHANGE_LIVE ? DOMAIN_PARSE_LIVE : 0;
	return domain_parse(xml.data, xml.len, name, DOMAIN_PARSE_LENIENT | live, d, NULL, err);
}

int verb_domif_getlink(struct cli *c)
{
	struct err err = {0};
	CLEANUP(domain_fini) struct domain d = {0};
	const char *word = cli_value(c, "interface");
	size_t i;
	if (read_domain(c, &d, &err) < 0) {
		out_error("%s", err.msg);
		return out_status(&err);
	}
	if (!domain_net_find(&d, word, &i)) {
		out_error("Interface (dev: %s) not found.", word);
		return CLI_FAILED;
	}
	const char *state = d.nets[i].link_down ? "down" : "up";
	c->bare = true;
	if (c->json) {
		struct json_object *o = json_object_new_object();
		out_add_str(o, "interface", word);
		out_add_str(o, "mac", d.nets[i].mac);
		out_add_str(o, "state", state);
		out_json(o);
	} else {
		printf("%s %s\n", word, state);
	}
	return CLI_DONE;
}
