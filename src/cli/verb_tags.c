/* What hvmux keeps in <metadata>: tag, untag, tags, group, protect, unprotect. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/change.h"
#include "cli/dispatch.h"
#include "cli/facts.h"
#include "cli/out.h"
#include "core/domain_meta.h"
#include "core/mem.h"
#include "core/store.h"
#include "core/str.h"
#include "core/vm.h"

/* A change of the metadata alone. */
struct meta_change {
	int (*apply)(struct domain_meta *m, const void *arg, struct err *err);
	const void *arg;
};

static char *put_meta(
    void *arg, const char *xml, size_t n, const char *file, size_t *out_n, struct err *err)
{
	const struct meta_change *change = arg;
	struct domain_meta m;
	char *text = NULL;
	/* What is wrong in the document is not made worse, and can be taken out by this very change. */
	(void)domain_meta_parse(xml, n, file, &m, NULL);
	if (change->apply(&m, change->arg, err) >= 0)
		text = domain_meta_apply(xml, n, file, &m, out_n, err);
	domain_meta_fini(&m);
	return text;
}

/* Definition and, where it runs, live document. 1 changed, 0 it was so already, -1 told. */
static int change_meta(struct cli *c, const char *word,
    int (*apply)(struct domain_meta *m, const void *arg, struct err *err), const void *arg)
{
	struct err err = {0};
	struct vm vm;
	struct meta_change change = {apply, arg};
	CLEANUP_FREE char *name = vm_resolve(&c->home, word, &err);
	int rc = -1;
	if (name != NULL && vm_probe(&c->home, name, &vm, &err) == 0) {
		unsigned where = (vm.defined ? CHANGE_CONFIG : 0u) | (vm.live ? CHANGE_LIVE : 0u);
		rc = change_domain(c, name, where, c->verb->name, put_meta, &change, &err);
		vm_fini(&vm);
	}
	if (rc < 0)
		out_error("%s", err.msg);
	return rc;
}

/* --- tag, untag --- */
struct word_list {
	const char *const *words;
	unsigned n;
};

static int add_tags(struct domain_meta *m, const void *arg, struct err *err)
{
	const struct word_list *tags = arg;
	for (unsigned i = 0; i < tags->n; i++)
		if (domain_meta_add_tag(m, tags->words[i], err) < 0)
			return -1;
	return 0;
}

static int remove_tags(struct domain_meta *m, const void *arg, struct err *err)
{
	const struct word_list *tags = arg;
	(void)err;
	for (unsigned i = 0; i < tags->n; i++)
		domain_meta_remove_tag(m, tags->words[i]);
	return 0;
}

static int change_tags(struct cli *c, bool add)
{
	struct word_list tags;
	const char *word = cli_value(c, "domain");
	tags.words = cli_values(c, "tag", &tags.n);
	int rc = change_meta(c, word, add ? add_tags : remove_tags, &tags);
	if (rc < 0)
		return CLI_FAILED;
	out_message(c, "Domain '%s' %s", word,
	    rc > 0 ? add ? "tagged" : "untagged"
	    : add  ? "was tagged so already"
	           : "has no such tag");
	return CLI_DONE;
}

int verb_tag(struct cli *c)
{
	return change_tags(c, true);
}

int verb_untag(struct cli *c)
{
	return change_tags(c, false);
}

/* --- tags --- */
static int show_tags(struct cli *c, const char *word)
{
	struct err err = {0};
	struct domain_meta m = {0};
	CLEANUP_FREE char *name = vm_resolve(&c->home, word, &err);
	int rc = name != NULL ? facts_meta(&c->home, name, &m, &err) : -1;
	if (rc < 0)
		out_error("%s", err.msg);
	else if (c->json) {
		struct json_object *o = json_object_new_object();
		out_add_str(o, "name", name);
		facts_add_meta_json(o, &m);
		out_json(o);
	} else
		for (size_t i = 0; i < m.n_tags; i++)
			puts(m.tags[i]);
	domain_meta_fini(&m);
	return rc < 0 ? CLI_FAILED : CLI_DONE;
}

/* A tag or a group, and who has it. */
struct use {
	char *word;
	bool group;
	unsigned domains;
};

struct uses {
	struct use *items;
	size_t n;
};

static void count_use(struct uses *u, const char *word, bool group)
{
	for (size_t i = 0; i < u->n; i++)
		if (u->items[i].group == group && strcmp(u->items[i].word, word) == 0) {
			u->items[i].domains++;
			return;
		}
	u->items = xreallocarray(u->items, u->n + 1, sizeof(*u->items));
	u->items[u->n++] = (struct use){xstrdup(word), group, 1};
}

static int by_word(const void *pa, const void *pb)
{
	const struct use *a = pa, *b = pb;
	return a->group != b->group ? a->group - b->group : strcmp(a->word, b->word);
}

static void print_uses(struct cli *c, const struct uses *u)
{
	static const char *const heads[] = {"Kind", "Name", "Domains"};
	struct out_table *t = out_table_new(3, heads);
	for (size_t i = 0; i < u->n; i++) {
		char number[16];
		snprintf(number, sizeof(number), "%u", u->items[i].domains);
		out_table_row(t, (const char *const[]){u->items[i].group ? "group" : "tag",
		                     u->items[i].word, number});
	}
	CLEANUP_BUF struct buf b = BUF_INIT;
	out_table_format(t, !c->quiet, &b);
	fputs(b.data ? b.data : "", stdout);
	out_table_free(t);
}

static void print_uses_json(const struct uses *u)
{
	struct json_object *all = json_object_new_array();
	for (size_t i = 0; i < u->n; i++) {
		struct json_object *o = json_object_new_object();
		out_add_str(o, "kind", u->items[i].group ? "group" : "tag");
		out_add_str(o, "name", u->items[i].word);
		out_add_u64(o, "domains", u->items[i].domains);
		json_object_array_add(all, o);
	}
	out_json(all);
}

static int show_all(struct cli *c)
{
	struct err err = {0};
	struct vm *vms;
	struct uses u = {0};
	size_t n;
	if (vm_list_brief(&c->home, &vms, &n, &err) < 0) {
		out_error("%s", err.msg);
		return CLI_FAILED;
	}
	for (size_t i = 0; i < n; i++) {
		struct domain_meta m;
		(void)facts_meta(&c->home, vms[i].name, &m, NULL);
		for (size_t k = 0; k < m.n_tags; k++)
			count_use(&u, m.tags[k], false);
		if (m.group != NULL)
			count_use(&u, m.group, true);
		domain_meta_fini(&m);
	}
	vm_list_free(vms, n);
	if (u.n > 0)
		qsort(u.items, u.n, sizeof(*u.items), by_word);
	if (c->json)
		print_uses_json(&u);
	else
		print_uses(c, &u);
	for (size_t i = 0; i < u.n; i++)
		free(u.items[i].word);
	free(u.items);
	return CLI_DONE;
}

int verb_tags(struct cli *c)
{
	const char *word = cli_value(c, "domain");
	return word != NULL ? show_tags(c, word) : show_all(c);
}

/* --- group --- */
static int set_group(struct domain_meta *m, const void *arg, struct err *err)
{
	return domain_meta_set_group(m, arg, err);
}

static int show_group(struct cli *c, const char *word)
{
	struct err err = {0};
	struct domain_meta m = {0};
	CLEANUP_FREE char *name = vm_resolve(&c->home, word, &err);
	int rc = name != NULL ? facts_meta(&c->home, name, &m, &err) : -1;
	if (rc < 0)
		out_error("%s", err.msg);
	else
		puts(m.group != NULL ? m.group : "-");
	domain_meta_fini(&m);
	return rc < 0 ? CLI_FAILED : CLI_DONE;
}

int verb_group(struct cli *c)
{
	const char *word = cli_value(c, "domain"), *group = cli_value(c, "group");
	bool gone = cli_flag(c, "remove");
	if (gone && group != NULL) {
		out_error("a group and --remove are mutually exclusive");
		return CLI_USAGE;
	}
	if (group == NULL && !gone)
		return show_group(c, word);
	if (c->readonly) {
		out_error("operation %s forbidden for read only access", c->verb->name);
		return CLI_FAILED;
	}
	if (change_meta(c, word, set_group, group) < 0)
		return CLI_FAILED;
	if (gone || group[0] == '\0')
		out_message(c, "Domain '%s' is in no group", word);
	else
		out_message(c, "Domain '%s' is in group '%s'", word, group);
	return CLI_DONE;
}

/* --- protect, unprotect --- */
static int set_protect(struct domain_meta *m, const void *arg, struct err *err)
{
	(void)err;
	m->protect = *(const bool *)arg;
	return 0;
}

static int change_protect(struct cli *c, bool protect)
{
	unsigned n;
	const char *const *words = cli_values(c, "domain", &n);
	int status = CLI_DONE;
	for (unsigned i = 0; i < n; i++) {
		if (change_meta(c, words[i], set_protect, &protect) < 0)
			status = CLI_FAILED;
		else
			out_message(c, "Domain '%s' is %s", words[i],
			    protect ? "protected against deletion" : "no longer protected");
	}
	return status;
}

int verb_protect(struct cli *c)
{
	return change_protect(c, true);
}

int verb_unprotect(struct cli *c)
{
	return change_protect(c, false);
}
