/* libvirt's qemu namespace into struct domain_qemu. */
#include "core/domain_qemu.h"

#include <stdlib.h>
#include <string.h>

#include "core/domain_parse.h"
#include "core/mem.h"
#include "core/str.h"

#define QEMU_NS "http://libvirt.org/schemas/domain/qemu/1.0"

void domain_qemu_fini(struct domain_qemu *q)
{
	for (size_t i = 0; i < q->n_args; i++)
		free(q->args[i]);
	for (size_t i = 0; i < q->n_env; i++)
		free(q->env[i]);
	for (size_t i = 0; i < q->n_overrides; i++) {
		free(q->overrides[i].alias);
		free(q->overrides[i].name);
		free(q->overrides[i].value);
	}
	free(q->args);
	free(q->env);
	free(q->overrides);
	*q = (struct domain_qemu){0};
}

static bool is_qemu(const xmlNode *node, const char *name)
{
	return node->ns != NULL && node->ns->href != NULL &&
	       strcmp((const char *)node->ns->href, QEMU_NS) == 0 &&
	       strcmp((const char *)node->name, name) == 0;
}

/* --- commandline --- */
static int parse_env(struct parse *p, const xmlNode *node, struct domain_qemu *q)
{
	CLEANUP_FREE char *name = xml_attr(node, "name");
	CLEANUP_FREE char *value = xml_attr(node, "value");
	if (name == NULL || name[0] == '\0' || strchr(name, '=') != NULL)
		return parse_invalid(p, node, "has no usable name");
	*DOMAIN_ADD(q->env, q->n_env) = xasprintf("%s=%s", name, value != NULL ? value : "");
	return 0;
}

static int parse_commandline(struct parse *p, const xmlNode *node, struct domain_qemu *q)
{
	for (const xmlNode *n = xml_first(node); n != NULL; n = xml_next(n)) {
		if (q->n_args + q->n_env >= QEMU_ARGS_MAX)
			return parse_invalid(p, n, "more than %d arguments", QEMU_ARGS_MAX);
		if (is_qemu(n, "env") && parse_env(p, n, q) < 0)
			return -1;
		if (!is_qemu(n, "arg"))
			continue;
		char *value = xml_attr(n, "value");
		if (value == NULL)
			return parse_invalid(p, n, "has no value");
		*DOMAIN_ADD(q->args, q->n_args) = value;
	}
	return 0;
}

/* --- override --- */
/* The value as QEMU takes it; *value is the caller's. */
static int check_value(struct parse *p, const xmlNode *node, int type, char **value)
{
	enum { STRING, SIGNED, UNSIGNED, BOOL, REMOVE };
	static const char *const bools[] = {"true", "false", NULL};
	uint64_t n;
	if (type == REMOVE) {
		free(*value);
		*value = NULL;
		return 0;
	}
	if (*value == NULL)
		return parse_invalid(p, node, "has no value");
	if (!parse_text_ok(*value))
		return parse_invalid(p, node, "the value has control characters");
	const char *digits = *value + (type == SIGNED && (*value)[0] == '-');
	if ((type == SIGNED || type == UNSIGNED) && str_u64(digits, UINT64_MAX, &n) < 0)
		return parse_invalid(p, node, "'%s' is not a decimal number", *value);
	if (type != BOOL)
		return 0;
	int word = parse_word(p, node, "value", *value, bools);
	if (word < 0)
		return -1;
	free(*value);
	*value = xstrdup(word == 0 ? "on" : "off");
	return 0;
}

static int parse_property(
    struct parse *p, const xmlNode *node, const char *alias, struct domain_qemu *q)
{
	static const char *const types[] = {"string", "signed", "unsigned", "bool", "remove", NULL};
	int type;
	CLEANUP_FREE char *name = xml_attr(node, "name");
	CLEANUP_FREE char *value = xml_attr(node, "value");
	if (name == NULL || name[0] == '\0' || !parse_text_ok(name) || strpbrk(name, ",=") != NULL)
		return parse_invalid(p, node, "has no usable name");
	if (!xmlHasProp((xmlNode *)node, BAD_CAST "type"))
		return parse_invalid(p, node, "has no type");
	if (parse_attr_word(p, node, "type", types, -1, &type) < 0 ||
	    check_value(p, node, type, &value) < 0)
		return -1;
	if (q->n_overrides >= QEMU_ARGS_MAX)
		return parse_invalid(p, node, "more than %d properties", QEMU_ARGS_MAX);
	*DOMAIN_ADD(q->overrides, q->n_overrides) = (struct qemu_property){.alias = xstrdup(alias),
	    .name = TAKE_PTR(name),
	    .value = TAKE_PTR(value),
	    .line = node_line(node)};
	return 0;
}

static int parse_device(struct parse *p, const xmlNode *node, struct domain_qemu *q)
{
	CLEANUP_FREE char *alias = xml_attr(node, "alias");
	if (alias == NULL || alias[0] == '\0')
		return parse_invalid(p, node, "has no alias");
	for (const xmlNode *f = xml_first(node); f != NULL; f = xml_next(f))
		for (const xmlNode *n = is_qemu(f, "frontend") ? xml_first(f) : NULL; n != NULL;
		     n = xml_next(n))
			if (is_qemu(n, "property") && parse_property(p, n, alias, q) < 0)
				return -1;
	return 0;
}

int qemu_parse(struct parse *p, const xmlNode *root)
{
	struct domain_qemu *q = &p->d->qemu;
	for (const xmlNode *n = xml_first(root); n != NULL; n = xml_next(n)) {
		if (is_qemu(n, "commandline") && parse_commandline(p, n, q) < 0)
			return -1;
		for (const xmlNode *k = is_qemu(n, "override") ? xml_first(n) : NULL; k != NULL;
		     k = xml_next(k))
			if (is_qemu(k, "device") && parse_device(p, k, q) < 0)
				return -1;
		/* What QEMU can do is asked of QEMU; deprecated options are not what we use. */
		if (is_qemu(n, "capabilities") || is_qemu(n, "deprecation"))
			parse_warn(p, n, "has no effect here");
	}
	return 0;
}
