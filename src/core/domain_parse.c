/* The document's general part into struct domain; helpers of all parsing. */
#include "core/domain_parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uuid/uuid.h>

#include "core/mem.h"
#include "core/str.h"
#include "core/units.h"

#define WHITE " \t\r\n"
#define SHOWN_MAX 120                   /* bytes of a value in a message */
#define REFUSED_MAX (ERR_MSG_MAX - 256) /* bytes of what is refused, with room for the advice */

/* --- helpers --- */
static void add_warning(struct parse *p, const xmlNode *node, const char *words)
{
	struct err line = {0};
	xml_error(&line, ERR_UNSUPPORTED, p->file, node, "%s", words);
	buf_addf(p->warnings, "%s\n", line.msg);
}

void parse_warn(struct parse *p, const xmlNode *node, const char *fmt, ...)
{
	if (p->warnings == NULL || (p->flags & DOMAIN_PARSE_LENIENT))
		return;
	va_list ap;
	va_start(ap, fmt);
	CLEANUP_FREE char *words = xvasprintf(fmt, ap);
	va_end(ap);
	add_warning(p, node, words);
}

int parse_refuse(struct parse *p, const xmlNode *node, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	CLEANUP_FREE char *words = xvasprintf(fmt, ap);
	va_end(ap);
	if (p->flags & DOMAIN_PARSE_LENIENT)
		return PARSE_SKIP;
	if (p->flags & DOMAIN_PARSE_IGNORE_UNSUPPORTED) {
		parse_warn(p, node, "%s; ignored", words);
		p->n_ignored++;
		return PARSE_SKIP;
	}
	struct err line = {0};
	xml_error(&line, ERR_UNSUPPORTED, p->file, node, "%s", words);
	if (p->refused.len + strlen(line.msg) < REFUSED_MAX)
		buf_addf(&p->refused, "%s%s", p->n_refused > 0 ? "\n" : "", line.msg);
	else
		p->n_untold++;
	p->n_refused++;
	return PARSE_SKIP;
}

/* All that was refused in one error, so that nobody has to find it out one by one. */
static int refused_error(struct parse *p)
{
	if (p->n_refused == 1)
		return err_set(p->err, ERR_UNSUPPORTED,
		    "%s (define --ignore-unsupported leaves it out)", p->refused.data);
	if (p->n_untold > 0)
		buf_addf(&p->refused, "\n… and %u more", p->n_untold);
	return err_set(p->err, ERR_UNSUPPORTED, "%s\n(define --ignore-unsupported leaves them out)",
	    p->refused.data);
}

int parse_invalid(struct parse *p, const xmlNode *node, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	CLEANUP_FREE char *words = xvasprintf(fmt, ap);
	va_end(ap);
	return xml_error(p->err, ERR_INVALID, p->file, node, "%s", words);
}

char *parse_shown(const char *value)
{
	return str_printable(value, strlen(value), SHOWN_MAX);
}

bool parse_text_ok(const char *text)
{
	CLEANUP_FREE char *clean = str_printable(text, strlen(text), SIZE_MAX);
	return strcmp(clean, text) == 0;
}

int parse_number(
    struct parse *p, const xmlNode *node, const char *attr, unsigned max, unsigned *out)
{
	CLEANUP_FREE char *value = xml_attr(node, attr);
	if (value == NULL)
		return 0;
	uint64_t n;
	if (str_prefix(value, "0x") && value[2] != '\0' && strlen(value) <= 10 &&
	    value[2 + strspn(value + 2, "0123456789abcdefABCDEF")] == '\0')
		n = strtoull(value + 2, NULL, 16);
	else if (str_u64(value, UINT32_MAX, &n) < 0)
		n = UINT64_MAX;
	if (n > max) {
		CLEANUP_FREE char *s = parse_shown(value);
		return parse_invalid(p, node, "%s='%s' is not a number from 0 to %u", attr, s, max);
	}
	*out = (unsigned)n;
	return 0;
}

int parse_word(struct parse *p, const xmlNode *node, const char *what, const char *value,
    const char *const *words)
{
	for (int i = 0; words[i] != NULL; i++)
		if (strcmp(words[i], value) == 0)
			return i;
	struct buf list = BUF_INIT;
	for (int i = 0; words[i] != NULL; i++)
		if (words[i][0] != '\0') /* "" stands for an absent attribute */
			buf_addf(&list, "%s%s", list.len > 0 ? ", " : "", words[i]);
	CLEANUP_FREE char *s = parse_shown(value);
	parse_invalid(p, node, "%s '%s' is none of: %s", what, s, list.data);
	buf_fini(&list);
	return -1;
}

int parse_attr_word(struct parse *p, const xmlNode *node, const char *attr,
    const char *const *words, int absent, int *out)
{
	CLEANUP_FREE char *value = xml_attr(node, attr);
	*out = value != NULL ? parse_word(p, node, attr, value, words) : absent;
	return *out < 0 ? -1 : 0;
}

int parse_switch(struct parse *p, const xmlNode *node, const char *attr, enum domain_switch *out)
{
	static const char *const words[] = {"on", "yes", "off", "no", NULL};
	CLEANUP_FREE char *value = xml_attr(node, attr);
	if (value == NULL)
		return 0;
	int i = parse_word(p, node, attr, value, words);
	if (i < 0)
		return -1;
	*out = i < 2 ? SWITCH_ON : SWITCH_OFF;
	return 0;
}

int parse_attr_number(struct parse *p, const xmlNode *node, const char *attr, uint64_t min,
    uint64_t max, uint64_t *out)
{
	CLEANUP_FREE char *value = xml_attr(node, attr);
	if (value == NULL)
		return 0;
	if (str_u64(value, max, out) == 0 && *out >= min)
		return 0;
	CLEANUP_FREE char *s = parse_shown(value);
	return parse_invalid(p, node, "%s='%s' is not a number from %llu to %llu", attr, s,
	    (unsigned long long)min, (unsigned long long)max);
}

int parse_text_number(
    struct parse *p, const xmlNode *node, uint64_t min, uint64_t max, uint64_t *out)
{
	if (node == NULL)
		return 0;
	CLEANUP_FREE char *text = xml_text(node);
	char *number = text + strspn(text, WHITE);
	number[strcspn(number, WHITE)] = '\0';
	if (str_u64(number, max, out) == 0 && *out >= min)
		return 0;
	CLEANUP_FREE char *s = parse_shown(number);
	return parse_invalid(p, node, "'%s' is not a number from %llu to %llu", s,
	    (unsigned long long)min, (unsigned long long)max);
}

int parse_kib(struct parse *p, const xmlNode *node, uint64_t max_kib, uint64_t *out)
{
	CLEANUP_FREE char *number = xml_text(node);
	CLEANUP_FREE char *unit = xml_attr(node, "unit");
	struct err why = {0};
	if (node != NULL && units_kib(number, unit, max_kib, out, &why) < 0)
		return parse_invalid(p, node, "%s", why.msg);
	return 0;
}

int parse_set(
    struct parse *p, const xmlNode *node, const char *attr, unsigned end, struct numset *out)
{
	CLEANUP_FREE char *value = xml_attr(node, attr);
	struct err why = {0};
	if (value == NULL)
		return 0;
	numset_fini(out);
	if (numset_parse(value, end, out, &why) < 0)
		return parse_invalid(p, node, "%s: %s", attr, why.msg);
	return 0;
}

int parse_state(struct parse *p, const xmlNode *node, enum domain_switch *out)
{
	if (node != NULL)
		*out = SWITCH_ON;
	return parse_switch(p, node, "state", out);
}

const xmlNode *parse_next(const xmlNode *parent, const xmlNode *after, const char *name)
{
	const xmlNode *n = after == NULL ? xml_first(parent) : xml_next(after);
	while (n != NULL && !xml_is(n, name))
		n = xml_next(n);
	return n;
}

int parse_path_check(struct parse *p, const xmlNode *node, const char *path)
{
	if (path == NULL)
		return 0;
	CLEANUP_FREE char *s = parse_shown(path);
	if (path[0] != '/')
		return parse_invalid(p, node, "'%s' is not an absolute path", s);
	if (!parse_text_ok(path))
		return parse_invalid(p, node, "path '%s' has control characters", s);
	if (strlen(path) >= 4096)
		return parse_invalid(
		    p, node, "path '%s…' has %zu bytes, at most 4095", s, strlen(path));
	return 0;
}

/* --- elements beside <devices> --- */
/* With or without dashes, with white space around it; node NULL: none. */
static int parse_uuid(struct parse *p, const xmlNode *node, unsigned char uuid[16], bool *given)
{
	char compact[37] = "";
	size_t n = 0;
	CLEANUP_FREE char *text = xml_text(node);
	if (node == NULL)
		return 0;
	for (const char *s = text; *s != '\0' && n < 36; s++) {
		if (strchr("- \t\r\n", *s) == NULL)
			compact[n++] = *s;
		if (n == 8 || n == 13 || n == 18 || n == 23)
			compact[n++] = '-';
	}
	const char *hex = text + strspn(text, WHITE);
	size_t len = strcspn(hex, WHITE);
	CLEANUP_FREE char *s = parse_shown(text);
	if ((len != 36 && len != 32) || uuid_parse(compact, uuid) != 0)
		return parse_invalid(p, node, "'%s' is not a UUID", s);
	*given = true;
	return 0;
}

/* <genid/> asks for one to be made. */
static int parse_genid(struct parse *p, const xmlNode *node)
{
	struct domain *d = p->d;
	CLEANUP_FREE char *text = xml_text(node);
	d->genid = node != NULL;
	if (node == NULL || text[strspn(text, WHITE)] == '\0')
		return 0;
	return parse_uuid(p, node, d->genid_uuid, &d->has_genid_uuid);
}

/* Labels are the host's: kept, but one of each kind. */
static int check_labels(struct parse *p, const xmlNode *root)
{
	for (const xmlNode *n = NULL; (n = parse_next(root, n, "seclabel")) != NULL;)
		for (const xmlNode *k = NULL; (k = parse_next(root, k, "seclabel")) != n;) {
			CLEANUP_FREE char *a = xml_attr(n, "model");
			CLEANUP_FREE char *b = xml_attr(k, "model");
			if (str_eq(a, b))
				return parse_invalid(p, n, "another one has the same model");
		}
	return 0;
}

static int parse_identity(struct parse *p, const xmlNode *root)
{
	struct domain *d = p->d;
	struct err why = {0};
	d->name = xml_child_text(root, "name");
	if (d->name == NULL)
		return parse_invalid(p, root, "has no <name>");
	if (name_check("domain", d->name, &why) < 0)
		return parse_invalid(p, xml_child(root, "name"), "%s", why.msg);
	if (parse_uuid(p, xml_child(root, "uuid"), d->uuid, &d->has_uuid) < 0 ||
	    parse_uuid(p, xml_child(root, "hwuuid"), d->hwuuid, &d->has_hwuuid) < 0 ||
	    parse_genid(p, xml_child(root, "genid")) < 0 || check_labels(p, root) < 0)
		return -1;
	d->title = xml_child_text(root, "title");
	if (d->title != NULL && (strlen(d->title) > DOMAIN_TITLE_MAX || !parse_text_ok(d->title)))
		return parse_invalid(p, xml_child(root, "title"),
		    "a title is one line of at most %d bytes without control characters",
		    DOMAIN_TITLE_MAX);
	d->description = xml_child_text(root, "description");
	return 0;
}

static int parse_action(
    struct parse *p, const xmlNode *root, const char *name, enum domain_action *out)
{
	static const char *const words[ACTION_COUNT + 1] = {
	    [ACTION_DESTROY] = "destroy",
	    [ACTION_RESTART] = "restart",
	    [ACTION_PRESERVE] = "preserve",
	    [ACTION_RENAME_RESTART] = "rename-restart",
	    [ACTION_COREDUMP_DESTROY] = "coredump-destroy",
	    [ACTION_COREDUMP_RESTART] = "coredump-restart",
	};
	const xmlNode *node = xml_child(root, name);
	CLEANUP_FREE char *word = xml_text(node);
	if (node == NULL)
		return 0;
	int i = parse_word(p, node, "action", word, words);
	if (i < 0)
		return -1;
	*out = (enum domain_action)i;
	return 0;
}

static int parse_events(struct parse *p, const xmlNode *root)
{
	struct domain *d = p->d;
	d->on_poweroff = ACTION_DESTROY;
	d->on_reboot = ACTION_RESTART;
	d->on_crash = ACTION_DESTROY;
	if (parse_action(p, root, "on_poweroff", &d->on_poweroff) < 0 ||
	    parse_action(p, root, "on_reboot", &d->on_reboot) < 0 ||
	    parse_action(p, root, "on_crash", &d->on_crash) < 0)
		return -1;
	return 0;
}

/* --- the whole --- */
int parse_document(struct parse *p, const xmlNode *root)
{
	static const char *const types[] = {"kvm", "qemu", NULL};
	static int (*const parts[])(struct parse * p, const xmlNode *root) = {
	    parse_identity,
	    cpu_parse,
	    memory_parse,
	    os_parse,
	    features_parse,
	    clock_parse,
	    parse_events,
	    tune_parse,
	    iothreads_parse,
	    throttle_groups_parse,
	    security_parse,
	    qemu_parse,
	};
	int type;
	CLEANUP_FREE char *word = xml_attr(root, "type");
	if (word == NULL)
		return parse_invalid(p, root, "has no type: 'kvm' or 'qemu' (emulated)");
	if (parse_attr_word(p, root, "type", types, -1, &type) < 0)
		return -1;
	p->d->type = type == 0 ? DOMAIN_KVM : DOMAIN_QEMU;
	if (schema_check(p, root) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (parts[i](p, root) < 0)
			return -1;
	if (devices_parse(p, xml_child(root, "devices")) < 0 || memory_finish(p, root) < 0 ||
	    os_check(p, root) < 0 || tune_check(p, root) < 0)
		return -1;
	return domain_check(p);
}

bool domain_leaves_out(const xmlNode *root)
{
	for (const xmlNode *n = root->children; n != NULL; n = n->next)
		if (n->type == XML_PI_NODE && strcmp((const char *)n->name, "hvmux") == 0 &&
		    n->content != NULL &&
		    strcmp((const char *)n->content, "ignore-unsupported") == 0)
			return true;
	return false;
}

int domain_parse(const char *xml, size_t n, const char *file, unsigned flags, struct domain *d,
    struct buf *warnings, struct err *err)
{
	*d = (struct domain){0};
	struct parse p = {.file = file, .flags = flags, .d = d, .warnings = warnings, .err = err};
	CLEANUP_XML xmlDoc *doc = xml_read(xml, n, file, "domain", err);
	if (doc == NULL)
		return -1;
	const xmlNode *root = xmlDocGetRootElement(doc);
	if (domain_leaves_out(root))
		p.flags |= DOMAIN_PARSE_IGNORE_UNSUPPORTED;
	int rc = parse_document(&p, root);
	/* What else was wrong may only follow from what was left out. */
	if (p.n_refused > 0)
		rc = refused_error(&p);
	buf_fini(&p.refused);
	if (rc < 0) {
		domain_fini(d);
		return -1;
	}
	d->live = (flags & DOMAIN_PARSE_LIVE) != 0;
	d->leaves_out = domain_leaves_out(root) || p.n_ignored > 0;
	d->source = memcpy(xmalloc(n + 1), xml, n);
	d->source[n] = '\0';
	d->source_len = n;
	return 0;
}
