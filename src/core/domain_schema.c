/* The walk that holds a document against the tables of what may stand in it. */
#include "core/domain_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/domain_rules.h"
#include "core/mem.h"
#include "core/str.h"

static const struct rule *find_rule(const char *path)
{
	static const struct rule *const tables[] = {rules_system, rules_storage, rules_devices};
	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		for (const struct rule *r = tables[i]; r->path != NULL; r++)
			if (strcmp(r->path, path) == 0)
				return r;
	return NULL;
}

/* Is the word in the list? *mark is what stands before it: '!', '~' or ' '. */
static bool find_attr(const char *list, const char *word, char *mark)
{
	size_t n = strlen(word);
	for (const char *s = list; s != NULL && *s != '\0'; s += strcspn(s, " ")) {
		s += strspn(s, " ");
		*mark = *s == '!' || *s == '~' ? *s++ : ' ';
		if (strcspn(s, " ") == n && memcmp(s, word, n) == 0)
			return true;
	}
	return false;
}

static int check_attrs(struct parse *p, const xmlNode *node, const struct rule *rule)
{
	for (const xmlAttr *a = node->properties; a != NULL; a = a->next) {
		const char *name = (const char *)a->name;
		char mark = ' ';
		if (a->ns != NULL)
			continue;
		if (!find_attr(rule->attrs, name, &mark)) {
			if (p->flags & DOMAIN_PARSE_STRICT)
				parse_warn(
				    p, node, "attribute '%.64s' is not known, kept as it is", name);
		} else if (mark == '!') {
			if (parse_refuse(p, node, "attribute '%s' is not supported", name) < 0)
				return -1;
		} else if (mark == '~') {
			parse_warn(p, node, "attribute '%s' has no effect here", name);
		}
	}
	return 0;
}

static int check_children(struct parse *p, const xmlNode *node, const char *path);

static int check_unknown(struct parse *p, const xmlNode *node, const char *parent)
{
	if (str_eq(parent, "devices"))
		return parse_refuse(p, node, "this kind of device is not supported") < 0 ? -1 : 0;
	if (p->flags & DOMAIN_PARSE_STRICT)
		parse_warn(p, node, "not known, kept as it is");
	return 0;
}

static int check_element(struct parse *p, const xmlNode *node, const char *parent)
{
	CLEANUP_FREE char *path = parent[0] != '\0'
	                              ? xasprintf("%s/%s", parent, (const char *)node->name)
	                              : xstrdup((const char *)node->name);
	const struct rule *rule = find_rule(path);
	if (rule == NULL)
		return check_unknown(p, node, parent);
	switch (rule->kind) {
	case KEPT:
		return 0;
	case IDLE:
		parse_warn(p, node, "has no effect here");
		return 0;
	case HARDWARE:
		return parse_refuse(p, node, "not supported") < 0 ? -1 : 0;
	case USED:
		break;
	}
	if (check_attrs(p, node, rule) < 0)
		return -1;
	return check_children(p, node, path);
}

static int check_children(struct parse *p, const xmlNode *node, const char *path)
{
	for (const xmlNode *n = xml_first(node); n != NULL; n = xml_next(n)) {
		/* Other namespaces: qemu:commandline is read elsewhere, the rest is not ours. */
		if (n->ns == NULL && check_element(p, n, path) < 0)
			return -1;
	}
	return 0;
}

int schema_check(struct parse *p, const xmlNode *root)
{
	return check_children(p, root, "");
}
