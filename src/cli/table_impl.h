/* table_impl: how the files of table_*.c write a verb down; for nobody else. Paragraphs of `text` are
 * separated by an empty line; help folds them, so they carry no line ends of their own. */
#ifndef CLI_TABLE_IMPL_H
#define CLI_TABLE_IMPL_H

#include "cli/table.h"

#define DOMAIN_ONE                                                         \
	{                                                                  \
		"domain", OPT_DOMAIN, .required = true, .value = "DOMAIN", \
		                      .help = "domain name, id or uuid"    \
	}
#define DOMAIN_MANY                                                                           \
	{                                                                                     \
		"domain", OPT_DOMAIN, .required = true, .many = true, .value = "DOMAIN",      \
		                      .help = "domain name, id or uuid; several may be given" \
	}
#define FLAG(name_, help_)                     \
	{                                      \
		name_, OPT_FLAG, .help = help_ \
	}
#define JSON FLAG("json", "print JSON with stable keys")
/* Of verbs that are plans (cli/plan_verb.h). */
#define PLANNED                                                                                  \
	FLAG("dry-run", "show what would be done, step by step, and change nothing"),            \
	    {"wait-busy", OPT_NUMBER, .value = "SECONDS",                                        \
	        .help =                                                                          \
	            "wait so long for another change of a running domain to end (default: 30)"}, \
	    JSON
#define LIVE_CONFIG_CURRENT                               \
	FLAG("config", "change what the next start has"), \
	    FLAG("live", "change the machine that runs"), \
	    FLAG("current", "the machine if it runs, else the definition; the default")
#define PERSISTENT FLAG("persistent", "change the definition, and the machine if it runs")
/* For port_option. */
#define PORT                                                                                              \
	{"port", OPT_STRING, .value = "PORT",                                                             \
	    .help =                                                                                       \
	        "which console: serial0, serial1, hvc0, and so on, or its number; the first by default"}, \
	{                                                                                                 \
		"devname", OPT_STRING, .value = "DEVICE",                                                 \
		                       .help = "the same: virsh's name for --port"                        \
	}
#define OPTS(id) static const struct verb_opt opts_##id[]
#define NAMES(id_, name_) .name = name_, .opts = opts_##id_
#define VERB(id) const struct verb verb_def_##id
#define GUEST_LOSES "unsaved data in the guest"

#endif
