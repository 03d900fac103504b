/* parse: the words of a command line → struct cli. Declared in cli/dispatch.h. */
#include "cli/dispatch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"

struct parser {
	struct cli *c;
	char **argv;
	int argc, at;    /* at: the next word */
	bool only_words; /* after "--" */
	struct err *err;
};

static unsigned opt_count(const struct verb_opt *opts)
{
	unsigned n = 0;
	while (opts[n].name)
		n++;
	return n;
}

static int usage_hint(struct parser *p)
{
	const struct verb *v = p->c->verb;
	size_t len = strlen(p->err->msg);
	snprintf(p->err->msg + len, sizeof(p->err->msg) - len, "; see '%s help%s%s'", p->c->prog,
	    v ? " " : "", v ? v->name : "");
	return -1;
}

#define usage(p, ...) (err_set((p)->err, ERR_USAGE, __VA_ARGS__), usage_hint(p))

static bool word_allowed(const char *words, const char *value)
{
	size_t len = strlen(value);
	for (const char *w = words; *w;) {
		size_t n = strcspn(w, " ");
		if (n == len && memcmp(w, value, n) == 0)
			return true;
		w += n;
		w += strspn(w, " ");
	}
	return false;
}

static int check_value(struct parser *p, const struct verb_opt *o, const char *value)
{
	uint64_t n;
	if (o->kind == OPT_NUMBER && str_u64(value, CLI_NUMBER_MAX, &n) < 0)
		return usage(p, "invalid value '%s' for --%s: a number from 0 to %llu is needed",
		    value, o->name, CLI_NUMBER_MAX);
	if (o->words && !word_allowed(o->words, value))
		return usage(p, "invalid value '%s' for %s%s, expected one of: %s", value,
		    opt_positional(o) ? "" : "--", o->name, o->words);
	return 0;
}

static int set_global(struct parser *p, const struct verb_opt *o, const char *value)
{
	struct cli *c = p->c;
	uint64_t n;
	switch (o - global_opts) {
	case 0:
		c->uri = value;
		break;
	case 1:
		c->help = true;
		break;
	case 2:
		c->quiet = true;
		break;
	case 3:
		c->readonly = true;
		break;
	case 4:
		c->version = true;
		break;
	case 5:
		c->escape = value;
		break;
	default:
		if (str_u64(value, 1 << 20, &n) < 0)
			return usage(p, "invalid value '%s' for --%s: a descriptor is needed",
			    value, o->name);
		c->progress = true;
		c->progress_fd = (int)n;
	}
	return 0;
}

static int set_option(struct parser *p, const struct verb_opt *o, const char *value)
{
	struct cli *c = p->c;
	if (value && check_value(p, o, value) < 0)
		return -1;
	if (!c->verb || o < c->verb->opts || o >= c->verb->opts + opt_count(c->verb->opts))
		return set_global(p, o, value);
	size_t i = (size_t)(o - c->verb->opts);
	if (c->given[i] && !o->many && o->kind != OPT_REST)
		return usage(p, "option --%s already seen", o->name);
	if (value) {
		c->values[i] = xreallocarray(c->values[i], c->given[i] + 1, sizeof(**c->values));
		c->values[i][c->given[i]] = value;
		c->places[i] = xreallocarray(c->places[i], c->given[i] + 1, sizeof(**c->places));
		c->places[i][c->given[i]] = c->n_places++;
	}
	c->given[i]++;
	return 0;
}

static int unknown_option(struct parser *p, const char *word)
{
	if (p->c->verb)
		return usage(p, "command '%s' doesn't support option %s", p->c->verb->name, word);
	return usage(p, "unsupported option '%s'", word);
}

/* The option with its value glued on (`value`), or in the next word. */
static int take_option(struct parser *p, const struct verb_opt *o, const char *value)
{
	if (!opt_takes_value(o))
		return set_option(p, o, NULL);
	if (!value && p->at < p->argc)
		value = p->argv[p->at++];
	if (!value)
		return usage(p, "option --%s needs a value: --%s %s", o->name, o->name, o->value);
	return set_option(p, o, value);
}

/* Old scripts write --total_bytes_sec: virsh takes that, too. */
static const struct verb_opt *find_option(const struct verb_opt *opts, const char *name, size_t len)
{
	const struct verb_opt *o = opt_find(opts, name, len);
	CLEANUP_FREE char *dashed = xstrndup(name, len);
	for (char *c = dashed; *c; c++)
		if (*c == '_')
			*c = '-';
	return o ? o : opt_find(opts, dashed, len);
}

static int long_option(struct parser *p, const char *word)
{
	const char *name = word + 2;
	size_t len = strcspn(name, "=");
	const struct verb_opt *o = p->c->verb ? find_option(p->c->verb->opts, name, len) : NULL;
	if (!o)
		o = opt_find(global_opts, name, len);
	if (!o)
		return unknown_option(p, word);
	/* virsh's --version=long says nothing that --version does not. */
	bool glued = name[len] == '=';
	if (glued && !opt_takes_value(o) && !str_eq(word, "--version=short") &&
	    !str_eq(word, "--version=long"))
		return usage(p, "invalid '=' after option --%s", o->name);
	return take_option(p, o, glued ? name + len + 1 : NULL);
}

static const struct verb_opt *find_letter(const struct verb_opt *opts, char letter)
{
	for (; opts->name; opts++)
		if (opts->letter == letter)
			return opts;
	return NULL;
}

/* "-a", several flags together "-ra", a value glued on "-cURI". */
static int short_options(struct parser *p, const char *word)
{
	for (const char *l = word + 1; *l; l++) {
		const struct verb_opt *o = p->c->verb ? find_letter(p->c->verb->opts, *l) : NULL;
		if (!o)
			o = find_letter(global_opts, *l == 'v' ? 'V' : *l);
		if (!o)
			return unknown_option(p, word);
		if (opt_takes_value(o))
			return take_option(p, o, l[1] ? l + 1 : NULL);
		if (set_option(p, o, NULL) < 0)
			return -1;
	}
	return 0;
}

/* The option that a word without a name belongs to: the first positional that has room, else the first bare one. */
static const struct verb_opt *place_of_word(const struct cli *c)
{
	const struct verb_opt *bare = NULL;
	for (size_t i = 0; c->verb->opts[i].name; i++) {
		const struct verb_opt *o = &c->verb->opts[i];
		if (c->given[i] && !o->many && o->kind != OPT_REST)
			continue;
		if (opt_positional(o))
			return o;
		if (!bare && o->bare)
			bare = o;
	}
	return bare;
}

static int positional(struct parser *p, const char *word)
{
	const struct verb_opt *o = place_of_word(p->c);
	if (!o)
		return usage(p, "unexpected data '%s'", word);
	if (set_option(p, o, word) < 0)
		return -1;
	while (o->kind == OPT_REST && p->at < p->argc)
		if (set_option(p, o, p->argv[p->at++]) < 0)
			return -1;
	return 0;
}

static int verb_word(struct parser *p, const char *word)
{
	struct cli *c = p->c;
	const struct verb *v = verb_find(word);
	if (!v)
		return usage(p, "unknown command: '%s'", word);
	c->verb = v;
	c->given = xcalloc(opt_count(v->opts) + 1, sizeof(*c->given));
	c->values = xcalloc(opt_count(v->opts) + 1, sizeof(*c->values));
	c->places = xcalloc(opt_count(v->opts) + 1, sizeof(*c->places));
	if (!(v->flags & VERB_TOOL))
		return 0;
	while (p->at < p->argc)
		if (positional(p, p->argv[p->at++]) < 0)
			return -1;
	return 0;
}

static int parse_word(struct parser *p)
{
	const char *word = p->argv[p->at++];
	if (p->only_words || word[0] != '-' || word[1] == '\0')
		return p->c->verb ? positional(p, word) : verb_word(p, word);
	if (str_eq(word, "--")) {
		p->only_words = true;
		return 0;
	}
	return word[1] == '-' ? long_option(p, word) : short_options(p, word);
}

static int check_required(struct parser *p)
{
	const struct cli *c = p->c;
	for (size_t i = 0; c->verb->opts[i].name; i++)
		if (c->verb->opts[i].required && !c->given[i])
			return usage(p, "command '%s' requires <%s> option", c->verb->name,
			    c->verb->opts[i].name);
	return 0;
}

static const char *base_name(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;
	path = slash ? slash + 1 : path;
	return path && *path ? path : "hvmux";
}

/* A link to the program that bears another tool's name is that tool. */
static const char *link_verb(const char *prog)
{
	static const char *const links[][2] = {{"virt-host-validate", "virt-host-validate"},
	    {"kvm-ok", "kvm-ok"}, {"osinfo-query", "osinfo-query"}, {"qemu-img", "img"},
	    {"kvm-img", "img"}, {"virt-clone", "clone"}};
	for (size_t i = 0; i < ARRAY_LEN(links); i++)
		if (str_eq(prog, links[i][0]))
			return links[i][1];
	return NULL;
}

int cli_parse(struct cli *c, int argc, char **argv, struct err *err)
{
	struct err scratch = {0};
	struct parser p = {c, argv, argc, 1, false, err ? err : &scratch};
	memset(c, 0, sizeof(*c));
	c->prog = base_name(argc > 0 ? argv[0] : NULL);
	c->progress_fd = -1;
	if (link_verb(c->prog) && verb_word(&p, link_verb(c->prog)) < 0)
		return -1;
	while (p.at < argc)
		if (parse_word(&p) < 0)
			return -1;
	if (!c->verb || c->help || c->version)
		return 0;
	if (check_required(&p) < 0)
		return -1;
	c->json = opt_find(c->verb->opts, "json", 4) && cli_flag(c, "json");
	return 0;
}

void cli_fini(struct cli *c)
{
	for (size_t i = 0; c->verb && c->verb->opts[i].name; i++) {
		free(c->values[i]);
		free(c->places[i]);
	}
	free(c->values);
	free(c->places);
	free(c->given);
	c->verb = NULL;
	c->values = NULL;
	c->places = NULL;
	c->given = NULL;
}

static size_t opt_index(const struct cli *c, const char *opt)
{
	const struct verb_opt *o = opt_find(c->verb->opts, opt, strlen(opt));
	if (!o)
		abort();
	return (size_t)(o - c->verb->opts);
}

bool cli_flag(const struct cli *c, const char *opt)
{
	return c->given[opt_index(c, opt)] > 0;
}

const char *cli_value(const struct cli *c, const char *opt)
{
	size_t i = opt_index(c, opt);
	return c->given[i] ? c->values[i][0] : NULL;
}

const char *const *cli_values(const struct cli *c, const char *opt, unsigned *n)
{
	size_t i = opt_index(c, opt);
	*n = c->given[i];
	return c->values[i];
}

const unsigned *cli_places(const struct cli *c, const char *opt)
{
	return c->places[opt_index(c, opt)];
}

uint64_t cli_number(const struct cli *c, const char *opt, uint64_t absent)
{
	const char *value = cli_value(c, opt);
	uint64_t n = absent;
	if (value)
		(void)str_u64(value, CLI_NUMBER_MAX, &n);
	return n;
}
