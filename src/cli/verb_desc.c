/* Words about a domain in its document: desc, metadata. */
#include <libxml/parser.h>
#include <libxml/uri.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/change.h"
#include "cli/dispatch.h"
#include "cli/editor.h"
#include "cli/out.h"
#include "core/domain.h"
#include "core/domain_meta.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/xml.h"

/* The VM that the verb's domain means, and which of its documents. */
static int find(struct cli *c, struct vm *vm, unsigned *where, struct err *err)
{
	CLEANUP_FREE char *name = vm_resolve(&c->home, cli_value(c, "domain"), err);
	if (name == NULL || vm_probe(&c->home, name, vm, err) < 0)
		return -1;
	*where = change_where(c, vm, err);
	if (*where != 0)
		return 0;
	vm_fini(vm);
	return -1;
}

static int failed(const struct err *err)
{
	out_error("%s", err->msg);
	return out_status(err);
}

/* The operator's own text in the place of `old`, without the line end that editors add; what set() refuses is kept.
 * 1 set, 0 not changed. */
static int edit_text(struct cli *c, const char *name, const char *suffix, const char *old,
    int (*set)(void *arg, const char *text, struct err *err), void *arg, struct err *err)
{
	struct editor *e = editor_new(&c->home, name, suffix, old, strlen(old), err);
	if (e == NULL)
		return -1;
	int rc = editor_edit(e, err);
	if (rc > 0) {
		const struct buf *b = editor_text(e);
		CLEANUP_FREE char *text = xstrndup(b->data != NULL ? b->data : "", b->len);
		for (size_t n = strlen(text); n > 0 && text[n - 1] == '\n'; n--)
			text[n - 1] = '\0';
		rc = set(arg, text, err) < 0 ? -1 : 1;
	}
	if (rc < 0)
		editor_give_up(e, err);
	else
		editor_done(e);
	return rc;
}

/* --- desc --- */
struct words {
	struct cli *c;
	const char *name; /* the domain's */
	unsigned where;
	const char *element; /* "title", "description" */
	const char *text;    /* "" takes the element away */
};

/* In libvirt's order. */
static const char *const order[] = {
    "description", "title", "genid", "hwuuid", "uuid", "name", NULL};

static char *put_words(
    void *arg, const char *xml, size_t n, const char *file, size_t *out_n, struct err *err)
{
	const struct words *w = arg;
	CLEANUP_XML xmlDoc *doc = xml_read(xml, n, file, "domain", err);
	if (doc == NULL)
		return NULL;
	xmlNode *root = xmlDocGetRootElement(doc), *node = xml_child(root, w->element);
	CLEANUP_FREE char *old = xml_text(node);
	if (w->text[0] == '\0' && node != NULL)
		xml_remove(node);
	else if (w->text[0] != '\0' && !str_eq(old, w->text)) {
		const char *const *before = order + (str_eq(w->element, "title") ? 2 : 1);
		node = xml_need_behind(root, w->element, before);
		xml_set_text(node, w->text);
	}
	return xml_format(doc, out_n);
}

/* What no desc would have taken may stand in a document that another program wrote. */
static void puts_safely(const char *text)
{
	CLEANUP_FREE char *shown = str_printable_lines(text);
	puts(shown);
}

static int check_words(const struct words *w, struct err *err)
{
	CLEANUP_FREE char *shown = str_printable_lines(w->text);
	if (!str_utf8_valid(w->text, strlen(w->text)) || !str_eq(shown, w->text))
		return err_set(
		    err, ERR_INVALID, "a %s is UTF-8 text without control characters", w->element);
	if (str_eq(w->element, "title") && strchr(w->text, '\n') != NULL)
		return err_set(
		    err, ERR_INVALID, "Domain title can't contain newlines: a title is one line");
	if (str_eq(w->element, "title") && strlen(w->text) > DOMAIN_TITLE_MAX)
		return err_set(
		    err, ERR_INVALID, "a title is at most %d bytes long", DOMAIN_TITLE_MAX);
	return 0;
}

static int read_words(struct cli *c, const char *name, unsigned where, const char *element,
    char **text, struct err *err)
{
	CLEANUP_BUF struct buf xml = BUF_INIT;
	if (change_read(&c->home, name, where, &xml, err) < 0)
		return -1;
	CLEANUP_XML xmlDoc *doc = xml_read(xml.data, xml.len, name, "domain", err);
	if (doc == NULL)
		return -1;
	*text = xml_child_text(xmlDocGetRootElement(doc), element);
	return 0;
}

static int write_words(void *arg, const char *text, struct err *err)
{
	struct words *w = arg;
	w->text = text;
	if (check_words(w, err) < 0 ||
	    change_domain(w->c, w->name, w->where, "desc", put_words, w, err) < 0)
		return -1;
	out_message(w->c, "Domain %s updated successfully", w->element);
	return 0;
}

static char *join(const char *const *words, unsigned n)
{
	struct buf b = BUF_INIT;
	for (unsigned i = 0; i < n; i++)
		buf_addf(&b, "%s%s", i > 0 ? " " : "", words[i]);
	return buf_take(&b);
}

static int desc(struct cli *c, const char *name, unsigned where, struct err *err)
{
	unsigned n;
	const char *const *words = cli_values(c, "new-desc", &n);
	struct words w = {
	    c, name, where, .element = cli_flag(c, "title") ? "title" : "description"};
	CLEANUP_FREE char *old = NULL, *fresh = join(words, n);
	if (n == 0 && read_words(c, name, where, w.element, &old, err) < 0)
		return -1;
	if (cli_flag(c, "edit")) {
		const char *from = n > 0 ? fresh : old != NULL ? old : "";
		int rc = edit_text(c, name, ".txt", from, write_words, &w, err);
		if (rc == 0)
			out_message(c, "Domain %s not changed", w.element);
		return rc < 0 ? -1 : 0;
	}
	if (n > 0)
		return write_words(&w, fresh, err);
	if (old != NULL)
		puts_safely(old);
	else
		printf("No %s for domain: %s\n", w.element, name);
	return 0;
}

int verb_desc(struct cli *c)
{
	struct err err = {0};
	struct vm vm;
	unsigned where, n;
	c->bare = true;
	(void)cli_values(c, "new-desc", &n);
	if (c->readonly && (n > 0 || cli_flag(c, "edit"))) {
		out_error("operation %s forbidden for read only access", c->verb->name);
		return CLI_FAILED;
	}
	if (find(c, &vm, &where, &err) < 0)
		return failed(&err);
	int rc = desc(c, vm.name, where, &err);
	vm_fini(&vm);
	return rc < 0 ? failed(&err) : CLI_DONE;
}

/* --- metadata --- */
struct metadata {
	struct cli *c;
	const char *name; /* the domain's */
	unsigned where;
	const char *uri, *key;
	const char *text; /* NULL: it goes */
};

static xmlNode *find_metadata(const xmlNode *root, const char *uri)
{
	xmlNode *n = xml_first(xml_child(root, "metadata"));
	while (n != NULL && !(n->ns != NULL && str_eq((const char *)n->ns->href, uri)))
		n = xml_next(n);
	return n;
}

static xmlNode *next_node(xmlNode *n, const xmlNode *top)
{
	if (n->type == XML_ELEMENT_NODE && n->children != NULL)
		return n->children;
	while (n != top && n->next == NULL)
		n = n->parent;
	return n != top ? n->next : NULL;
}

/* As libvirt's: what is set has no name space of its own where it is to get this one, and is shown without it. */
static void give_namespace(xmlNode *top, xmlNs *from, xmlNs *to)
{
	for (xmlNode *n = top; n != NULL; n = next_node(n, top))
		if (n->type == XML_ELEMENT_NODE && n->ns == from)
			xmlSetNs(n, to);
}

static int check_key(const struct metadata *m, struct err *err)
{
	if (m->key == NULL || m->key[0] == '\0')
		return err_set(
		    err, ERR_INVALID, "namespace key is required when modifying metadata");
	if (xmlValidateNCName((const xmlChar *)m->key, 0) != 0)
		return err_set(err, ERR_INVALID,
		    "'%s' cannot be a namespace key: a letter, then letters, digits, '.', '-' and '_'",
		    m->key);
	return 0;
}

static int check_uri(const struct metadata *m, struct err *err)
{
	xmlURI *uri = xmlParseURI(m->uri);
	bool good = m->uri[0] != '\0' && uri != NULL;
	xmlFreeURI(uri);
	return good ? 0 : err_set(err, ERR_INVALID, "'%s' is not a URI", m->uri);
}

/* The first element of a text of its own, to be put into doc. */
static xmlNode *read_element(xmlDoc *doc, const struct metadata *m, struct err *err)
{
	/* xml_read checks the root's name: the text gets a root. */
	CLEANUP_FREE char *text = xasprintf("<set>%s</set>", m->text);
	CLEANUP_XML xmlDoc *own = xml_read(text, strlen(text), "(metadata_xml)", "set", err);
	if (own == NULL)
		return NULL;
	const xmlNode *first = xml_first(xmlDocGetRootElement(own));
	if (first == NULL || xml_next(first) != NULL) {
		err_set(err, ERR_INVALID, "(metadata_xml): one element is needed");
		return NULL;
	}
	return xmlDocCopyNode((xmlNode *)first, doc, 1);
}

static char *put_metadata(
    void *arg, const char *xml, size_t n, const char *file, size_t *out_n, struct err *err)
{
	const struct metadata *m = arg;
	CLEANUP_XML xmlDoc *doc = xml_read(xml, n, file, "domain", err);
	if (doc == NULL)
		return NULL;
	xmlNode *root = xmlDocGetRootElement(doc), *old = find_metadata(root, m->uri);
	if (m->text == NULL) {
		if (old != NULL)
			xml_remove(old);
		return xml_format(doc, out_n);
	}
	xmlNode *fresh = read_element(doc, m, err);
	if (fresh == NULL)
		return NULL;
	/* Made through the helper for the white space around it, then exchanged. */
	xmlNode *place =
	    old != NULL ? old : xml_add_child(xml_need_behind(root, "metadata", order), "set");
	xmlReplaceNode(place, fresh);
	xmlFreeNode(place);
	give_namespace(
	    fresh, NULL, xmlNewNs(fresh, (const xmlChar *)m->uri, (const xmlChar *)m->key));
	char *text = xml_format(doc, out_n);
	/* Ours has rules. */
	struct domain_meta check;
	int rc = domain_meta_parse(text, *out_n, file, &check, err);
	domain_meta_fini(&check);
	if (rc < 0)
		free(TAKE_PTR(text));
	return text;
}

/* The element under that URI as text without its name space; NULL: there is none. */
static int show_metadata(
    struct cli *c, const char *name, unsigned where, const char *uri, char **text, struct err *err)
{
	CLEANUP_BUF struct buf xml = BUF_INIT;
	if (change_read(&c->home, name, where, &xml, err) < 0)
		return -1;
	CLEANUP_XML xmlDoc *doc = xml_read(xml.data, xml.len, name, "domain", err);
	if (doc == NULL)
		return -1;
	xmlNode *found = find_metadata(xmlDocGetRootElement(doc), uri);
	if (found == NULL)
		return 0;
	CLEANUP_XML xmlDoc *own = xmlNewDoc((const xmlChar *)"1.0");
	xmlNode *copy = xmlDocCopyNode(found, own, 1);
	xmlDocSetRootElement(own, copy);
	for (xmlNode *n = copy; n != NULL; n = next_node(n, copy))
		if (n->type == XML_ELEMENT_NODE && n->ns != NULL &&
		    str_eq((const char *)n->ns->href, uri))
			xmlSetNs(n, NULL);
	for (xmlNs **ns = &copy->nsDef; *ns != NULL;) {
		if (!str_eq((const char *)(*ns)->href, uri)) {
			ns = &(*ns)->next;
			continue;
		}
		xmlNs *gone = *ns;
		*ns = gone->next;
		xmlFreeNs(gone);
	}
	size_t n;
	*text = xml_format(own, &n);
	if (n > 0)
		(*text)[n - 1] = '\0';
	return 0;
}

static int set_metadata(void *arg, const char *text, struct err *err)
{
	struct metadata *m = arg;
	m->text = text;
	if (check_uri(m, err) < 0 || (text != NULL && check_key(m, err) < 0) ||
	    change_domain(m->c, m->name, m->where, "metadata", put_metadata, m, err) < 0)
		return -1;
	out_message(m->c, text != NULL ? "Metadata modified" : "Metadata removed");
	return 0;
}

static int metadata(struct cli *c, const char *name, unsigned where, struct err *err)
{
	struct metadata m = {
	    c, name, where, cli_value(c, "uri"), cli_value(c, "key"), cli_value(c, "set")};
	bool edit = cli_flag(c, "edit"), gone = cli_flag(c, "remove");
	CLEANUP_FREE char *old = NULL;
	if (edit + gone + (m.text != NULL) > 1)
		return err_set(
		    err, ERR_USAGE, "Options --set, --edit and --remove are mutually exclusive");
	if (gone || m.text != NULL)
		return set_metadata(&m, m.text, err);
	if (show_metadata(c, name, where, m.uri, &old, err) < 0)
		return -1;
	if (!edit && old == NULL)
		return err_set(err, ERR_NOT_FOUND,
		    "metadata not found: Requested metadata element is not present");
	if (!edit) {
		puts(old);
		return 0;
	}
	if (check_uri(&m, err) < 0 || check_key(&m, err) < 0)
		return -1;
	int rc = edit_text(c, name, ".xml", old != NULL ? old : "", set_metadata, &m, err);
	if (rc == 0)
		out_message(c, "Metadata not changed");
	return rc < 0 ? -1 : 0;
}

int verb_metadata(struct cli *c)
{
	struct err err = {0};
	struct vm vm;
	unsigned where;
	if (c->readonly && (cli_flag(c, "edit") || cli_flag(c, "remove") || cli_value(c, "set"))) {
		out_error("operation %s forbidden for read only access", c->verb->name);
		return CLI_FAILED;
	}
	if (find(c, &vm, &where, &err) < 0)
		return failed(&err);
	int rc = metadata(c, vm.name, where, &err);
	vm_fini(&vm);
	return rc < 0 ? failed(&err) : CLI_DONE;
}
