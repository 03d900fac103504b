/* table: the options of every verb, and finding a verb. The verbs themselves stand in table_*.c, a
 * family each. */
#include "cli/table.h"

#include <string.h>

#include "core/buf.h"

const struct verb_opt global_opts[] = {
    {"connect", OPT_STRING, .value = "URI", .letter = 'c',
        .help = "root's domains or the user's own", .words = "qemu:///system qemu:///session"},
    {"help", OPT_FLAG, .letter = 'h', .help = "help on the program or the command"},
    {"quiet", OPT_FLAG, .letter = 'q', .help = "no headings and no messages of success"},
    {"readonly", OPT_FLAG, .letter = 'r',
        .help = "change nothing; without a command: a dashboard that cannot"},
    {"version", OPT_FLAG, .letter = 'V', .help = "version of hvmux"},
    {"escape", OPT_STRING, .value = "KEY", .letter = 'e',
        .help = "the key that detaches from a console, in place of ^]: ^A or C-a"},
    {"progress-fd", OPT_NUMBER, .value = "N",
        .help = "write progress to descriptor N, one JSON object {done, total, text} per line"},
    {0},
};

#define VERB_REF(id, name) [VERB_##id] = &verb_def_##id,
const struct verb *const verb_table[VERB_COUNT] = {VERB_LIST(VERB_REF)};
#undef VERB_REF

const struct verb *verb_find(const char *name)
{
	for (size_t i = 0; i < VERB_COUNT; i++) {
		const struct verb *v = verb_table[i];
		if (strcmp(v->name, name) == 0 || (v->alias && strcmp(v->alias, name) == 0))
			return v;
	}
	return NULL;
}

bool opt_positional(const struct verb_opt *o)
{
	return o->kind == OPT_DOMAIN || o->kind == OPT_FILE || o->kind == OPT_WORD ||
	       o->kind == OPT_REST;
}

bool opt_takes_value(const struct verb_opt *o)
{
	return o->kind != OPT_FLAG;
}

const struct verb_opt *opt_find(const struct verb_opt *opts, const char *name, size_t len)
{
	for (; opts->name; opts++)
		if (strncmp(opts->name, name, len) == 0 && opts->name[len] == '\0')
			return opts;
	return NULL;
}

char *verb_synopsis(const struct verb *v)
{
	struct buf b = BUF_INIT;
	buf_adds(&b, v->name);
	for (const struct verb_opt *o = v->opts; o->name; o++) {
		const char *dots = o->many || o->kind == OPT_REST ? "..." : "";
		if (opt_positional(o))
			buf_addf(&b, o->required ? " %s%s" : " [%s%s]", o->value, dots);
		else if (opt_takes_value(o))
			buf_addf(&b, o->required ? " --%s %s" : " [--%s %s]", o->name, o->value);
		else
			buf_addf(&b, " [--%s]", o->name);
	}
	return buf_take(&b);
}
