/* version, uri. */
#include <stdio.h>

#include "cli/dispatch.h"
#include "cli/out.h"
#include "config.h"

int verb_uri(struct cli *c)
{
	if (!c->json) {
		puts(home_uri(&c->home));
		return CLI_DONE;
	}
	struct json_object *o = json_object_new_object();
	out_add_str(o, "uri", home_uri(&c->home));
	out_json(o);
	return CLI_DONE;
}

int verb_version(struct cli *c)
{
	if (!c->json) {
		puts("hvmux " HVMUX_VERSION);
		return CLI_DONE;
	}
	struct json_object *o = json_object_new_object();
	out_add_str(o, "hvmux_version", HVMUX_VERSION);
	out_json(o);
	return CLI_DONE;
}
