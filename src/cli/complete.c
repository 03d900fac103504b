#include "cli/complete.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/complete_device.h"
#include "cli/dispatch.h"
#include "cli/facts.h"
#include "cli/imgcmd.h"
#include "core/domain_meta.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/vm.h"
#include "disk/pool.h"
#include "disk/volume.h"
#include "serial/console_port.h"

struct completer {
	const struct home *home;
	struct buf *out;
	const char *start;  /* what the last word begins with already */
	const char *before; /* glued in front of each candidate: "--mode=" */
	const struct verb *verb;
	unsigned words;                 /* without dashes, after the verb */
	bool only_words;                /* after "--" */
	const struct verb_opt *pending; /* the word before the last one wants a value */
	const char *const *seen;        /* the words after the verb */
	unsigned n_seen;
};

static void offer(struct completer *k, const char *word, const char *description)
{
	if (str_prefix(word, k->start))
		buf_addf(k->out, "%s%s\t%s\n", k->before, word, description ? description : "");
}

static void offer_list(struct completer *k, const char *words)
{
	char word[64];
	while (*words) {
		size_t n = strcspn(words, " ");
		snprintf(word, sizeof(word), "%.*s", (int)n, words);
		offer(k, word, NULL);
		words += n;
		words += strspn(words, " ");
	}
}

static void offer_verbs(struct completer *k)
{
	for (size_t i = 0; i < VERB_COUNT; i++)
		if (!(verb_table[i]->flags & VERB_HIDDEN))
			offer(k, verb_table[i]->name, verb_table[i]->summary);
}

static bool named_already(const struct completer *k, const char *name)
{
	for (unsigned i = 0; i < k->n_seen; i++)
		if (str_eq(k->seen[i], name))
			return true;
	return false;
}

/* Running ones for what needs a running domain, the others for start. */
static bool suits(const struct completer *k, const struct vm *vm)
{
	if (named_already(k, vm->name))
		return false;
	if (k->verb == &verb_def_start)
		return !vm->live;
	return !(k->verb->flags & VERB_LIVE) || vm->live;
}

static void offer_domains(struct completer *k)
{
	struct vm *vms;
	size_t n;
	if (vm_list_brief(k->home, &vms, &n, NULL) < 0)
		return;
	for (size_t i = 0; i < n; i++)
		if (suits(k, &vms[i]))
			offer(k, vms[i].name, vm_state_word(&vms[i]));
	vm_list_free(vms, n);
}

struct marks {
	char **words;
	size_t n;
};

/* Each once. */
static void offer_mark(struct completer *k, struct marks *seen, const char *word, const char *what)
{
	for (size_t i = 0; i < seen->n; i++)
		if (str_eq(seen->words[i], word))
			return;
	seen->words = xreallocarray(seen->words, seen->n + 1, sizeof(*seen->words));
	seen->words[seen->n++] = xstrdup(word);
	offer(k, word, what);
}

/* Tags or groups that some domain has. */
static void offer_marks(struct completer *k, bool groups)
{
	struct vm *vms;
	size_t n;
	struct marks seen = {0};
	if (vm_list_brief(k->home, &vms, &n, NULL) < 0)
		return;
	for (size_t i = 0; i < n; i++) {
		struct domain_meta m;
		(void)facts_meta(k->home, vms[i].name, &m, NULL);
		for (size_t t = 0; !groups && t < m.n_tags; t++)
			offer_mark(k, &seen, m.tags[t], "tag");
		if (groups && m.group)
			offer_mark(k, &seen, m.group, "group");
		domain_meta_fini(&m);
	}
	for (size_t i = 0; i < seen.n; i++)
		free(seen.words[i]);
	free(seen.words);
	vm_list_free(vms, n);
}

static const struct verb_opt *find_option(const struct completer *k, const char *word, size_t len);

/* The domain among the words before the last; NULL none. */
static const char *domain_named(const struct completer *k)
{
	for (unsigned i = 0; i < k->n_seen; i++) {
		const char *word = k->seen[i];
		if (str_prefix(word, "--domain="))
			return word + strlen("--domain=");
		if (word[0] != '-')
			return word;
		const struct verb_opt *o = find_option(k, word, strlen(word));
		if (o && o->kind == OPT_DOMAIN)
			return i + 1 < k->n_seen ? k->seen[i + 1] : NULL;
		i += o && opt_takes_value(o);
	}
	return NULL;
}

static void offer_ports(struct completer *k)
{
	char names[CONSOLE_PORTS_MAX][STATUS_PORT_NAME_MAX];
	const char *word = domain_named(k);
	CLEANUP_FREE char *name = word ? vm_resolve(k->home, word, NULL) : NULL;
	unsigned n = name ? console_port_list(k->home, name, names) : 0;
	for (unsigned i = 0; i < n; i++)
		offer(k, names[i], "console");
}

static void offer_pools(struct completer *k)
{
	struct pool *pools;
	size_t n;
	if (pool_list(k->home, &pools, &n, NULL) < 0)
		return;
	for (size_t i = 0; i < n; i++)
		offer(k, pools[i].def.name, pool_state_word(&pools[i]));
	pool_list_free(pools, n);
}

/* Is one of the words before the last this pool? */
static bool pool_named(const struct completer *k, const char *name)
{
	for (unsigned i = 0; i < k->n_seen; i++)
		if (str_eq(k->seen[i], name) ||
		    (str_prefix(k->seen[i], "--pool=") && str_eq(k->seen[i] + 7, name)))
			return true;
	return false;
}

/* Names where the pool was named already, else paths. One that does not answer has none. */
static void offer_volumes(struct completer *k)
{
	struct pool *pools;
	size_t n, n_vols;
	bool named = false;
	if (pool_list(k->home, &pools, &n, NULL) < 0)
		return;
	for (size_t i = 0; i < n; i++)
		named = named || pool_named(k, pools[i].def.name);
	for (size_t i = 0; i < n; i++) {
		struct volume *vols;
		if (!pools[i].active || (named && !pool_named(k, pools[i].def.name)) ||
		    volume_list(&pools[i], &vols, &n_vols, NULL) < 0)
			continue;
		for (size_t v = 0; v < n_vols; v++)
			offer(k, named ? vols[v].name : vols[v].path, volume_format_word(&vols[v]));
		volume_list_free(vols, n_vols);
	}
	pool_list_free(pools, n);
}

/* What documents say is anybody's: one candidate is one line. */
static void offer_for(void *arg, const char *word, const char *description)
{
	CLEANUP_FREE char *name = xstrdup(word);
	CLEANUP_FREE char *what = xstrdup(description != NULL ? description : "");
	str_make_safe(name);
	str_make_safe(what);
	what[strcspn(what, "\t\n")] = '\0';
	if (str_eq(name, word) && strpbrk(word, "\t\n") == NULL)
		offer(arg, word, what);
}

/* What the domain that was named has. */
static bool offer_device(struct completer *k, const struct verb_opt *o)
{
	const char *word = k->verb != NULL ? domain_named(k) : NULL;
	CLEANUP_FREE char *name = word != NULL ? vm_resolve(k->home, word, NULL) : NULL;
	return name != NULL && complete_device(k->home, k->verb, o, name, offer_for, k);
}

static void offer_value(struct completer *k, const struct verb_opt *o)
{
	if (o->words)
		offer_list(k, o->words);
	else if (o->kind == OPT_DOMAIN)
		offer_domains(k);
	else if (offer_device(k, o))
		return;
	else if (str_eq(o->name, "tag") || str_eq(o->name, "group"))
		offer_marks(k, str_eq(o->name, "group"));
	else if (str_eq(o->name, "port") || str_eq(o->name, "devname"))
		offer_ports(k);
	else if (str_eq(o->name, "pool") || str_eq(o->name, "inputpool"))
		offer_pools(k);
	else if (str_eq(o->name, "vol") || str_eq(o->name, "backing-vol"))
		offer_volumes(k);
	else if (o->kind == OPT_WORD && k->verb == &verb_def_help)
		offer_verbs(k);
}

static void offer_options(struct completer *k, const struct verb_opt *opts)
{
	for (; opts->name; opts++) {
		char word[64];
		snprintf(word, sizeof(word), "--%s", opts->name);
		if (opts->many || !named_already(k, word))
			offer(k, word, opts->help);
	}
}

static void offer_positional(struct completer *k)
{
	unsigned skip = k->words;
	for (const struct verb_opt *o = k->verb->opts; o->name; o++) {
		char by_name[64];
		snprintf(by_name, sizeof(by_name), "--%s", o->name);
		if (!opt_positional(o) || (named_already(k, by_name) && !o->many))
			continue;
		if (o->many || o->kind == OPT_REST || skip-- == 0) {
			offer_value(k, o);
			return;
		}
	}
}

static const struct verb_opt *find_option(const struct completer *k, const char *word, size_t len)
{
	if (word[0] == '-' && word[1] != '-') {
		for (const struct verb_opt *o = global_opts; o->name; o++)
			if (o->letter == word[1] && word[2] == '\0')
				return o;
		return NULL;
	}
	const struct verb_opt *o = k->verb ? opt_find(k->verb->opts, word + 2, len - 2) : NULL;
	return o ? o : opt_find(global_opts, word + 2, len - 2);
}

/* One of the words before the last. */
static void take_word(struct completer *k, const char *const *at)
{
	const char *word = *at;
	if (k->pending) {
		k->pending = NULL;
		return;
	}
	if (!k->only_words && word[0] == '-' && word[1]) {
		const struct verb_opt *o =
		    str_eq(word, "--") ? NULL : find_option(k, word, strlen(word));
		k->only_words = str_eq(word, "--");
		k->pending = o && opt_takes_value(o) ? o : NULL;
	} else if (!k->verb) {
		k->verb = verb_find(word);
		k->seen = at + 1;
	} else
		k->words++;
}

static void offer_glued(struct completer *k, const char *last)
{
	size_t len = strcspn(last, "=");
	const struct verb_opt *o = find_option(k, last, len);
	CLEANUP_FREE char *before = xstrndup(last, len + 1);
	if (!o || !k->verb)
		return;
	k->before = before;
	k->start = last + len + 1;
	offer_value(k, o);
	k->before = "";
}

/* Behind img: its command, then that one's options. What else there is are files. */
static void offer_imgcmd(struct completer *k, const char *last)
{
	const struct imgcmd *command = NULL;
	for (unsigned i = 0; i < k->n_seen && !command; i++)
		command = imgcmd_find(k->seen[i]);
	for (size_t i = 0; !command && imgcmds[i]; i++)
		offer(k, imgcmds[i]->name, imgcmds[i]->summary);
	if (!command || last[0] != '-')
		return;
	for (const struct imgcmd_opt *o = command->opts; o->code; o++) {
		char word[64];
		if (o->name)
			snprintf(word, sizeof(word), "--%s", o->name);
		else
			snprintf(word, sizeof(word), "-%c", o->code);
		offer(k, word, o->help);
	}
}

void complete_words(const struct home *h, const char *const *words, unsigned n, struct buf *out)
{
	const char *last = n ? words[n - 1] : "";
	struct completer k = {.home = h, .out = out, .start = last, .before = ""};
	bool verb_known = true;
	for (unsigned i = 0; i + 1 < n; i++) {
		const bool was = k.verb || k.pending || words[i][0] == '-';
		take_word(&k, &words[i]);
		verb_known &= was || k.verb;
	}
	if (k.verb)
		k.n_seen = (unsigned)(&words[n - 1] - k.seen);
	if (!verb_known)
		return;
	if (k.verb && (k.verb->flags & VERB_TOOL)) {
		offer_imgcmd(&k, last);
		return;
	}
	if (k.pending) {
		if (k.verb || k.pending->words)
			offer_value(&k, k.pending);
	} else if (last[0] == '-' && !k.only_words) {
		if (strchr(last, '='))
			offer_glued(&k, last);
		else {
			if (k.verb)
				offer_options(&k, k.verb->opts);
			offer_options(&k, global_opts);
		}
	} else if (k.verb)
		offer_positional(&k);
	else
		offer_verbs(&k);
}

int verb_complete(struct cli *c)
{
	unsigned n;
	const char *const *words = cli_values(c, "words", &n);
	CLEANUP_BUF struct buf b = BUF_INIT;
	complete_words(&c->home, words, n, &b);
	fputs(b.data ? b.data : "", stdout);
	return CLI_DONE;
}
