/* Plans about snapshots of a domain that is off, against goldens: what is done, in which order, and what undoes it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/mem.h"
#include "core/snapshot.h"
#include "unit/plan_golden.h"

#define DISK(target, file, format)                                          \
	"<disk type='file' device='disk'><driver name='qemu' type='" format \
	"'/><source file='/images/" file "'/><target dev='" target "' bus='virtio'/></disk>\n"
#define DOMAIN(disks)                                                                                  \
	"<domain type='qemu'><name>web1</name><memory unit='MiB'>192</memory><os><type arch='x86_64' " \
	"machine='q35'>hvm</type></os><devices>\n" disks "</devices></domain>"

static struct json_object *parse(const char *text)
{
	char *copy = xstrdup(text);
	for (char *at = copy; (at = strchr(at, '\'')) != NULL;)
		*at = '"';
	struct json_object *o = json_tokener_parse(copy);
	if (o == NULL)
		fail_msg("no JSON: %s", copy);
	free(copy);
	return o;
}

struct document {
	const char *name, *parent, *disks, *kept;
	enum snapshot_state state;
};

/* What is known: the definition, the images, the documents. */
struct world {
	const char *disks; /* of the definition */
	const char *off;   /* facts */
	const struct document *list;
	size_t n;
	const char *current;
};

static struct json_object *documents(const struct world *w)
{
	struct json_object *o = json_object_new_object(), *list = json_object_new_array();
	for (size_t i = 0; i < w->n; i++) {
		struct json_object *one =
		    plan_args("name", w->list[i].name, "parent", w->list[i].parent, NULL);
		char *xml = xasprintf(
		    "<domainsnapshot><name>%s</name><state>%s</state>%s%s%s<memory snapshot='%s'/>"
		    "<disks>%s</disks>%s</domainsnapshot>",
		    w->list[i].name, snapshot_state_name(w->list[i].state),
		    w->list[i].parent != NULL ? "<parent><name>" : "",
		    w->list[i].parent != NULL ? w->list[i].parent : "",
		    w->list[i].parent != NULL ? "</name></parent>" : "",
		    w->list[i].state == SNAPSHOT_RUNNING ? "internal" : "no", w->list[i].kept,
		    w->list[i].disks);
		json_object_object_add(one, "xml", json_object_new_string(xml));
		json_object_array_add(list, one);
		free(xml);
	}
	json_object_object_add(o, "list", list);
	if (w->current != NULL)
		json_object_object_add(o, "current", json_object_new_string(w->current));
	return o;
}

static void build(struct buf *out, const char *title, const struct world *w, const char *verb,
    const char *request)
{
	struct domain config = {0};
	struct err err = {0};
	if (domain_parse(w->disks, strlen(w->disks), "web1", 0, &config, NULL, &err) < 0)
		fail_msg("%s", err.msg);
	struct json_object *facts = json_object_new_object(), *args = parse(request);
	json_object_object_add(facts, "off", parse(w->off));
	json_object_object_add(facts, "snapshots", documents(w));
	struct home home = {.data = (char *)(uintptr_t) "/data"};
	struct plan_in in = {.home = &home,
	    .name = "web1",
	    .id = 7,
	    .facts = facts,
	    .config = &config,
	    .now_ns = 1795305968000000000ull,
	    .where = PLAN_CONFIG};
	plan_golden_build(out, title, verb, &in, json_object_to_json_string_ext(args, 0));
	json_object_put(args);
	json_object_put(facts);
	domain_fini(&config);
}

static void check(const char *file, struct buf *out)
{
	char *path = golden_path(file);
	golden_check(path, out->data);
	free(path);
	buf_fini(out);
}

#define TWO DOMAIN(DISK("vda", "a.qcow2", "qcow2") DISK("vdb", "b.qcow2", "qcow2"))
#define RAW DOMAIN(DISK("vda", "a.qcow2", "qcow2") DISK("vdb", "b.raw", "raw"))
#define ONE_STEM DOMAIN(DISK("vda", "a.qcow2", "qcow2") DISK("vdb", "a.raw", "raw"))
#define QCOW2(more) "{'format': 'qcow2', 'size': 1048576, 'snapshots': [" more "]}"
#define OVER(base, more)                                                                          \
	"{'format': 'qcow2', 'size': 1048576, 'backing': '/images/" base "', 'snapshots': [" more \
	"]}"
#define PATHS(a, b) "'paths': {'vda': '/images/" a "', 'vdb': '/images/" b "'}"
#define SNAP(more) "{'xml': '<domainsnapshot><name>s1</name></domainsnapshot>'" more "}"
#define INSIDE "<disk name='vda' snapshot='internal'/><disk name='vdb' snapshot='internal'/>"

static void test_create(void **state)
{
	(void)state;
	struct buf out = BUF_INIT;
	const struct world plain = {.disks = TWO,
	    .off = "{" PATHS("a.qcow2", "b.qcow2") ", 'images': {'/images/a.qcow2': " QCOW2(
	        "") ", '/images/b.qcow2': " QCOW2("") "}}"};
	const struct world uefi = {.disks = TWO,
	    .off = "{" PATHS("a.qcow2", "b.qcow2") ", 'images': {'/images/a.qcow2': " QCOW2(
	        "") ", '/images/b.qcow2': " QCOW2("") "}, 'nvram': '/nvram/web1.fd', 'nvram_format': 'raw'}"};
	const struct world raw = {.disks = RAW,
	    .off = "{" PATHS("a.qcow2", "b.raw") ", 'images': {'/images/a.qcow2': " QCOW2(
	        "") ", '/images/b.raw': {'format': 'raw', 'size': 1048576, 'snapshots': []}}}"};
	const struct world one_stem = {.disks = ONE_STEM,
	    .off = "{" PATHS("a.qcow2", "a.raw") ", 'images': {'/images/a.qcow2': " QCOW2(
	        "") ", '/images/a.raw': {'format': 'raw', 'size': 1048576, 'snapshots': []}}}"};
	const struct world missing = {.disks = TWO,
	    .off = "{" PATHS("a.qcow2", "b.qcow2") ", 'images': {'/images/a.qcow2': " QCOW2(
	        "'s1'") "}}"};
	const struct world network = {.disks = TWO,
	    .off = "{'paths': {'vda': '/images/a.qcow2'}, 'images': {'/images/a.qcow2': " QCOW2(
	        "") "}}"};
	build(&out, "two disks", &plain, "snapshot-create", SNAP(""));
	build(&out, "with UEFI", &uefi, "snapshot-create", SNAP(""));
	build(&out, "a raw disk", &raw, "snapshot-create", SNAP(""));
	build(&out, "… left out", &raw, "snapshot-create",
	    "{'xml': '<domainsnapshot><name>s1</name><disks><disk name=\\\"vdb\\\" "
	    "snapshot=\\\"no\\\"/></disks></domainsnapshot>'}");
	build(&out, "overlays", &raw, "snapshot-create", SNAP(", 'disk_only': true"));
	build(&out, "overlays of images that differ behind the dot alone", &one_stem,
	    "snapshot-create", SNAP(", 'disk_only': true"));
	build(&out, "an image holds one of that name", &missing, "snapshot-create", SNAP(""));
	build(&out, "a disk of no file", &network, "snapshot-create",
	    "{'xml': '<domainsnapshot><name>s2</name></domainsnapshot>'}");
	build(&out, "memory", &plain, "snapshot-create",
	    "{'xml': '<domainsnapshot><memory file=\\\"/x\\\"/></domainsnapshot>'}");
	build(&out, "quiesced", &plain, "snapshot-create", SNAP(", 'quiesce': true"));
	check("plan/snapshot-off-create.txt", &out);
}

/* One line: s1 inside of the images, e1 and e2 in overlays. */
#define LINE                                                                                                    \
	{                                                                                                       \
		{"s1", NULL, TWO, INSIDE, SNAPSHOT_SHUTOFF},                                                    \
		    {"e1", "s1", TWO,                                                                           \
		        "<disk name='vda' snapshot='external' type='file'><source file='/images/a.e1'/></disk>" \
		        "<disk name='vdb' snapshot='no'/>",                                                     \
		        SNAPSHOT_SHUTOFF},                                                                      \
		    {"e2", "e1",                                                                                \
		        DOMAIN(DISK("vda", "a.e1", "qcow2") DISK("vdb", "b.qcow2", "qcow2")),                   \
		        "<disk name='vda' snapshot='external' type='file'><source file='/images/a.e2'/></disk>" \
		        "<disk name='vdb' snapshot='no'/>",                                                     \
		        SNAPSHOT_SHUTOFF},                                                                      \
	}
#define LINE_IMAGES                                                                   \
	"'images': {'/images/a.qcow2': " QCOW2("'s1'") ", '/images/b.qcow2': " QCOW2( \
	    "'s1'") ", '/images/a.e1': " OVER("a.qcow2", "") ", '/images/a.e2': " OVER("a.e1", "")

static void test_revert(void **state)
{
	(void)state;
	struct buf out = BUF_INIT;
	const struct world inside = {.disks = TWO,
	    .off = "{" PATHS("a.qcow2", "b.qcow2") ", 'images': {'/images/a.qcow2': " QCOW2(
	        "'s1'") ", '/images/b.qcow2': " QCOW2("'s1'") "}}",
	    .list = (const struct document[]){{"s1", NULL, TWO, INSIDE, SNAPSHOT_SHUTOFF},
	        {"m1", NULL, TWO, INSIDE, SNAPSHOT_RUNNING}},
	    .n = 2,
	    .current = "m1"};
	struct world gone = inside, clone = inside, saved = inside;
	gone.off = "{" PATHS("a.qcow2", "b.qcow2") ", 'images': {'/images/a.qcow2': " QCOW2(
	    "'s1'") ", '/images/b.qcow2': " QCOW2("") "}}";
	clone.off = "{" PATHS("a.qcow2", "b.qcow2") ", 'images': {'/images/a.qcow2': " QCOW2(
	    "'s1'") ", '/images/b.qcow2': " QCOW2("'s1'") "}, 'clone': {'/images/b.qcow2': '/images/c.qcow2'}}";
	saved.off = "{" PATHS("a.qcow2", "b.qcow2") ", 'saved': true, 'images': {}}";
	const struct world line = {
	    .disks = DOMAIN(DISK("vda", "a.e2", "qcow2") DISK("vdb", "b.qcow2", "qcow2")),
	    .off = "{" PATHS("a.e2", "b.qcow2") ", " LINE_IMAGES "}}",
	    .list = (const struct document[])LINE,
	    .n = 3,
	    .current = "e2"};
	build(&out, "two disks", &inside, "snapshot-revert", "{'name': 's1'}");
	build(&out, "with its memory", &inside, "snapshot-revert", "{'name': 'm1'}");
	build(&out, "no such snapshot", &inside, "snapshot-revert", "{'name': 'x'}");
	build(&out, "an image no longer holds it", &gone, "snapshot-revert", "{'name': 's1'}");
	build(&out, "the base of a clone", &clone, "snapshot-revert", "{'name': 's1'}");
	build(&out, "a saved machine", &saved, "snapshot-revert", "{'name': 's1'}");
	build(&out, "below overlays", &line, "snapshot-revert", "{'name': 's1'}");
	build(&out, "to the last overlay", &line, "snapshot-revert", "{'name': 'e2'}");
	build(&out, "to one before", &line, "snapshot-revert", "{'name': 'e1'}");
	check("plan/snapshot-off-revert.txt", &out);
}

static void test_delete(void **state)
{
	(void)state;
	struct buf out = BUF_INIT;
	static const struct document list[] = LINE;
	struct world line = {
	    .disks = DOMAIN(DISK("vda", "a.e2", "qcow2") DISK("vdb", "b.qcow2", "qcow2")),
	    .off = "{" PATHS("a.e2", "b.qcow2") ", " LINE_IMAGES "}}",
	    .list = list,
	    .n = 3,
	    .current = "e2"};
	struct world branch = line, holds = line, clone = line;
	branch.off = "{" PATHS("a.e2", "b.qcow2") ", " LINE_IMAGES
	                                          ", '/images/a.x': " OVER("a.qcow2", "") "}}";
	holds.off = "{" PATHS("a.e2", "b.qcow2") ", 'images': {'/images/a.qcow2': " QCOW2(
	    "'s1'") ", '/images/a.e1': " OVER("a.qcow2",
	    "'inner'") ", '/images/a.e2': " OVER("a.e1", "") "}}";
	clone.off = "{" PATHS("a.e2",
	    "b.qcow2") ", " LINE_IMAGES "}, 'clone': {'/images/a.qcow2': '/images/c.qcow2'}}";
	build(&out, "inside of images", &line, "snapshot-delete", "{'name': 's1'}");
	build(&out, "in the middle", &line, "snapshot-delete", "{'name': 'e1'}");
	build(&out, "the last one", &line, "snapshot-delete", "{'name': 'e2'}");
	build(&out, "all", &line, "snapshot-delete", "{'name': 's1', 'children': true}");
	build(
	    &out, "those below", &line, "snapshot-delete", "{'name': 'e1', 'children_only': true}");
	build(&out, "the document alone", &line, "snapshot-delete",
	    "{'name': 'e1', 'metadata': true}");
	build(&out, "two lines", &branch, "snapshot-delete", "{'name': 'e1'}");
	build(&out, "the overlay holds another", &holds, "snapshot-delete", "{'name': 'e1'}");
	build(&out, "the base of a clone", &clone, "snapshot-delete", "{'name': 'e1'}");
	build(&out, "no such snapshot", &line, "snapshot-delete", "{'name': 'x'}");
	check("plan/snapshot-off-delete.txt", &out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_create),
	    cmocka_unit_test(test_revert),
	    cmocka_unit_test(test_delete),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
