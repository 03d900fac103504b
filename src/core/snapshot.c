#include "core/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/xml.h"

static const char *const state_words[SNAPSHOT_STATES] = {
    [SNAPSHOT_NOSTATE] = "nostate",
    [SNAPSHOT_RUNNING] = "running",
    [SNAPSHOT_BLOCKED] = "blocked",
    [SNAPSHOT_PAUSED] = "paused",
    [SNAPSHOT_SHUTDOWN] = "shutdown",
    [SNAPSHOT_SHUTOFF] = "shutoff",
    [SNAPSHOT_CRASHED] = "crashed",
    [SNAPSHOT_PMSUSPENDED] = "pmsuspended",
    [SNAPSHOT_DISKS_ONLY] = "disk-snapshot",
};
static const char *const kind_words[SNAPSHOT_KINDS] = {
    [SNAPSHOT_UNSAID] = "",
    [SNAPSHOT_NO] = "no",
    [SNAPSHOT_INTERNAL] = "internal",
    [SNAPSHOT_EXTERNAL] = "external",
    [SNAPSHOT_MANUAL] = "manual",
};

const char *snapshot_state_name(enum snapshot_state s)
{
	return (unsigned)s < SNAPSHOT_STATES ? state_words[s] : state_words[SNAPSHOT_NOSTATE];
}

const char *snapshot_kind_name(enum snapshot_kind k)
{
	return (unsigned)k < SNAPSHOT_KINDS ? kind_words[k] : "";
}

int snapshot_kind_parse(const char *word, enum snapshot_kind *k)
{
	for (unsigned i = SNAPSHOT_NO; i < SNAPSHOT_KINDS; i++)
		if (str_eq(word, kind_words[i])) {
			*k = (enum snapshot_kind)i;
			return 0;
		}
	return -1;
}

int snapshot_name_check(const char *name, struct err *err)
{
	return name_check("snapshot", name, err);
}

/* --- the struct --- */
void snapshot_init(struct snapshot *s)
{
	memset(s, 0, sizeof *s);
}

void snapshot_fini(struct snapshot *s)
{
	for (size_t i = 0; i < s->n_disks; i++) {
		free(s->disks[i].name);
		free(s->disks[i].file);
		free(s->disks[i].format);
	}
	free(s->disks);
	char *const strings[] = {s->name, s->description, s->parent, s->memory_file, s->domain,
	    s->inactive, s->schedule, s->inside, s->nvram, s->nvram_format, s->source};
	for (size_t i = 0; i < ARRAY_LEN(strings); i++)
		free(strings[i]);
	snapshot_init(s);
}

const char *snapshot_tag(const struct snapshot *s)
{
	return s->inside != NULL ? s->inside : s->name;
}

bool snapshot_is_external(const struct snapshot *s)
{
	bool external = s->memory == SNAPSHOT_EXTERNAL;
	for (size_t i = 0; i < s->n_disks; i++)
		external |= s->disks[i].kind == SNAPSHOT_EXTERNAL;
	return external;
}

bool snapshot_has_memory(const struct snapshot *s)
{
	if (s->memory != SNAPSHOT_UNSAID)
		return s->memory != SNAPSHOT_NO;
	/* Older documents of libvirt's do not say it. */
	return s->state == SNAPSHOT_RUNNING || s->state == SNAPSHOT_PAUSED ||
	       s->state == SNAPSHOT_BLOCKED;
}

struct snapshot_disk *snapshot_disk_find(const struct snapshot *s, const char *target)
{
	for (size_t i = 0; i < s->n_disks; i++)
		if (str_eq(s->disks[i].name, target))
			return &s->disks[i];
	return NULL;
}

struct snapshot_disk *snapshot_disk_add(struct snapshot *s, const char *name, enum snapshot_kind k)
{
	s->disks = xreallocarray(s->disks, s->n_disks + 1, sizeof *s->disks);
	struct snapshot_disk *disk = &s->disks[s->n_disks++];
	*disk = (struct snapshot_disk){.name = xstrdup(name), .kind = k};
	return disk;
}

/* --- reading --- */
struct reader {
	const char *file;
	struct err *err;
};

static int read_state(const struct reader *r, const xmlNode *root, struct snapshot *s)
{
	const xmlNode *node = xml_child(root, "state");
	CLEANUP_FREE char *word = xml_text(node);
	if (node == NULL)
		return 0;
	for (unsigned i = 0; i < SNAPSHOT_STATES; i++)
		if (str_eq(word, state_words[i])) {
			s->state = (enum snapshot_state)i;
			return 0;
		}
	return xml_error(r->err, ERR_INVALID, r->file, node,
	    "a state of a domain is wanted, such as running, paused, shutoff or disk-snapshot");
}

static int read_kind(const struct reader *r, const xmlNode *node, enum snapshot_kind *k)
{
	CLEANUP_FREE char *word = xml_attr(node, "snapshot");
	if (word == NULL || snapshot_kind_parse(word, k) == 0)
		return 0;
	return xml_error(
	    r->err, ERR_INVALID, r->file, node, "snapshot='…' is no, internal, external or manual");
}

static int read_path(const struct reader *r, const xmlNode *node, const char *attr, char **path)
{
	*path = xml_attr(node, attr);
	if (*path == NULL || (*path)[0] == '/')
		return 0;
	return xml_error(
	    r->err, ERR_INVALID, r->file, node, "%s='…' has to be an absolute path", attr);
}

static int read_memory(const struct reader *r, const xmlNode *root, struct snapshot *s)
{
	const xmlNode *node = xml_child(root, "memory");
	if (node == NULL)
		return 0;
	if (read_kind(r, node, &s->memory) < 0 || read_path(r, node, "file", &s->memory_file) < 0)
		return -1;
	if (s->memory == SNAPSHOT_UNSAID && s->memory_file != NULL)
		s->memory = SNAPSHOT_EXTERNAL;
	if (s->memory == SNAPSHOT_MANUAL)
		return xml_error(r->err, ERR_INVALID, r->file, node,
		    "memory cannot be kept by snapshot='manual'");
	if (s->memory_file != NULL && s->memory != SNAPSHOT_EXTERNAL)
		return xml_error(r->err, ERR_INVALID, r->file, node,
		    "file='…' goes with snapshot='external' alone");
	return 0;
}

static int read_disk(const struct reader *r, const xmlNode *node, struct snapshot *s)
{
	CLEANUP_FREE char *name = xml_attr(node, "name"), *type = xml_attr(node, "type");
	if (name == NULL || name[0] == '\0')
		return xml_error(
		    r->err, ERR_INVALID, r->file, node, "name='…' says which disk is meant");
	if (snapshot_disk_find(s, name) != NULL)
		return xml_error(
		    r->err, ERR_INVALID, r->file, node, "the disk '%s' stands here twice", name);
	if (s->n_disks == SNAPSHOT_DISKS_MAX)
		return xml_error(
		    r->err, ERR_INVALID, r->file, node, "more than %u disks", SNAPSHOT_DISKS_MAX);
	struct snapshot_disk *disk = snapshot_disk_add(s, name, SNAPSHOT_UNSAID);
	if (read_kind(r, node, &disk->kind) < 0)
		return -1;
	if (type != NULL && !str_eq(type, "file") && !str_eq(type, "block"))
		return xml_error(r->err, ERR_UNSUPPORTED, r->file, node,
		    "an overlay is written to a file or a block device (type='file', type='block')");
	disk->block = str_eq(type, "block");
	disk->format = xml_child_attr(node, "driver", "type");
	if (read_path(r, xml_child(node, "source"), disk->block ? "dev" : "file", &disk->file) < 0)
		return -1;
	if (disk->kind == SNAPSHOT_UNSAID && disk->file != NULL)
		disk->kind = SNAPSHOT_EXTERNAL;
	if (disk->file != NULL && disk->kind != SNAPSHOT_EXTERNAL)
		return xml_error(r->err, ERR_INVALID, r->file, node,
		    "a <source> goes with snapshot='external' alone");
	return 0;
}

static int read_disks(const struct reader *r, const xmlNode *root, struct snapshot *s)
{
	for (const xmlNode *n = xml_first(xml_child(root, "disks")); n != NULL; n = xml_next(n))
		if (xml_is(n, "disk") && read_disk(r, n, s) < 0)
			return -1;
	return 0;
}

/* An element as a document of its own, called <domain>; NULL absent. */
static char *read_domain(const xmlNode *node)
{
	/* libvirt's snapshots of very old domains hold <domain><uuid>…</uuid></domain> alone: nothing to go back to. */
	if (node == NULL || xml_child(node, "name") == NULL)
		return NULL;
	xmlDoc *doc = xmlNewDoc((const xmlChar *)"1.0");
	xmlNode *copy = xmlDocCopyNode((xmlNode *)node, doc, 1);
	size_t n;
	xmlDocSetRootElement(doc, copy);
	xmlReconciliateNs(doc, copy);
	xmlNodeSetName(copy, (const xmlChar *)"domain");
	xml_reindent(copy);
	char *text = xml_format(doc, &n);
	xmlFreeDoc(doc);
	return text;
}

static bool is_ours(const xmlNode *node, const char *name)
{
	return node->ns != NULL && str_eq((const char *)node->ns->href, SNAPSHOT_URI) &&
	       str_eq((const char *)node->name, name);
}

static xmlNode *ours(const xmlNode *root)
{
	xmlNode *node = xml_first(root);
	while (node != NULL && !is_ours(node, "snapshot"))
		node = xml_next(node);
	return node;
}

/* An attribute of a child of ours; NULL absent. */
static char *our_attr(const xmlNode *element, const char *child, const char *attr)
{
	const xmlNode *node = xml_first(element);
	while (node != NULL && !is_ours(node, child))
		node = xml_next(node);
	return xml_attr(node, attr);
}

static int read_ours(const struct reader *r, const xmlNode *root, struct snapshot *s)
{
	const xmlNode *node = ours(root);
	if (node == NULL)
		return 0;
	s->schedule = our_attr(node, "schedule", "name");
	s->inside = our_attr(node, "inside", "name");
	s->nvram = our_attr(node, "nvram", "file");
	s->nvram_format = our_attr(node, "nvram", "format");
	CLEANUP_FREE char *deleting = our_attr(node, "deleting", "begun");
	s->deleting = deleting != NULL;
	if (s->nvram != NULL && (s->nvram[0] == '.' || strchr(s->nvram, '/') != NULL))
		return xml_error(r->err, ERR_INVALID, r->file, node,
		    "file='…' of <hvmux:nvram> is the name of a file beside this document");
	return 0;
}

static int read_time(const struct reader *r, const xmlNode *root, struct snapshot *s)
{
	const xmlNode *node = xml_child(root, "creationTime");
	CLEANUP_FREE char *text = xml_text(node);
	if (node == NULL || str_u64(text, INT64_MAX, &s->created) == 0)
		return 0;
	return xml_error(
	    r->err, ERR_INVALID, r->file, node, "seconds since the beginning of 1970 are wanted");
}

/* What a user may have left empty: virsh takes <description/> for none. */
static char *text_or_null(const xmlNode *root, const char *name)
{
	char *text = xml_child_text(root, name);
	if (text == NULL || text[0] != '\0')
		return text;
	free(text);
	return NULL;
}

static int read_names(const struct reader *r, const xmlNode *root, struct snapshot *s)
{
	struct err why = {0};
	const xmlNode *above = xml_child(root, "parent");
	s->name = text_or_null(root, "name");
	s->parent = text_or_null(above, "name");
	s->description = text_or_null(root, "description");
	if (s->name != NULL && snapshot_name_check(s->name, &why) < 0)
		return xml_error(
		    r->err, ERR_INVALID, r->file, xml_child(root, "name"), "%s", why.msg);
	if (s->parent != NULL && snapshot_name_check(s->parent, &why) < 0)
		return xml_error(r->err, ERR_INVALID, r->file, above, "%s", why.msg);
	return 0;
}

static int parse_whole(
    const char *xml, size_t n, const char *file, bool brief, struct snapshot *s, struct err *err)
{
	struct reader r = {file, err};
	snapshot_init(s);
	CLEANUP_XML xmlDoc *doc = xml_read(xml, n, file, "domainsnapshot", err);
	if (doc == NULL)
		return -1;
	const xmlNode *root = xmlDocGetRootElement(doc);
	CLEANUP_FREE char *active = xml_child_text(root, "active");
	s->active = str_eq(active, "1");
	if (read_names(&r, root, s) < 0 || read_state(&r, root, s) < 0 ||
	    read_time(&r, root, s) < 0 || read_memory(&r, root, s) < 0 ||
	    read_disks(&r, root, s) < 0 || read_ours(&r, root, s) < 0) {
		snapshot_fini(s);
		return -1;
	}
	s->domain = brief ? NULL : read_domain(xml_child(root, "domain"));
	s->inactive = brief ? NULL : read_domain(xml_child(root, "inactiveDomain"));
	return 0;
}

/* From its <domain> to the last end of one: most of a document, and nothing that a brief reader wants. */
static bool cut(const char *xml, size_t n, struct buf *out)
{
	static const char end[] = "</domain>", other_end[] = "</inactiveDomain>";
	const char *from = strstr(xml, "<domain "), *to = NULL;
	if (from == NULL)
		return false;
	for (const char *at = from; (at = strstr(at, end)) != NULL; at = to)
		to = at + sizeof end - 1;
	for (const char *at = to; at != NULL && (at = strstr(at, other_end)) != NULL; at = to)
		to = at + sizeof other_end - 1;
	if (to == NULL)
		return false;
	buf_add(out, xml, (size_t)(from - xml));
	buf_add(out, to, n - (size_t)(to - xml));
	return true;
}

static int parse(
    const char *xml, size_t n, const char *file, bool brief, struct snapshot *s, struct err *err)
{
	CLEANUP_BUF struct buf rest = BUF_INIT;
	/* Where the cut went through a comment, what is left is no document: then the whole is read. */
	bool done = brief && strlen(xml) == n && cut(xml, n, &rest) &&
	            parse_whole(rest.data, rest.len, file, true, s, NULL) == 0;
	if (!done && parse_whole(xml, n, file, brief, s, err) < 0)
		return -1;
	s->source = xstrndup(xml, n);
	s->source_len = n;
	return 0;
}

int snapshot_parse(const char *xml, size_t n, const char *file, struct snapshot *s, struct err *err)
{
	return parse(xml, n, file, false, s, err);
}

int snapshot_parse_brief(
    const char *xml, size_t n, const char *file, struct snapshot *s, struct err *err)
{
	return parse(xml, n, file, true, s, err);
}
