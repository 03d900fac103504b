#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kvm/argv.h"
#include "unit/plan_golden.h"

/* What a machine is like. */
struct machine {
	const char *backing; /* <backingStore> of vda, NULL: as the images say */
	const char *mirror;  /* <mirror> of vda */
	const char *driver;  /* more attributes of <driver> */
	unsigned n;          /* images of its chain */
	bool sets;           /* QEMU has them through sets of descriptors */
	bool paused, filtered, clone, shallow_copy;
	const char *job; /* of query-block-jobs */
	bool transient;
};

static struct json_object *parse(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	char *text = xvasprintf(fmt, ap);
	va_end(ap);
	for (char *at = text; (at = strchr(at, '\'')) != NULL;)
		*at = '"';
	struct json_object *o = json_tokener_parse(text);
	if (o == NULL)
		fail_msg("no JSON: %s", text);
	free(text);
	return o;
}

static const char *const paths[] = {"/images/top.qcow2", "/images/mid.qcow2", "/images/base.raw"};

static const char *format_of(const struct machine *m, unsigned i)
{
	return i + 1 == m->n && i > 0 ? "raw" : "qcow2";
}

static struct json_object *chains(const struct machine *m)
{
	struct json_object *list = json_object_new_array();
	for (unsigned i = 0; i < m->n; i++)
		json_object_array_add(
		    list, parse("{'path': '%s', 'format': '%s'%s}", paths[i], format_of(m, i),
		              m->clone && i == 1 ? ", 'clone': '/images/clone.qcow2'" : ""));
	struct json_object *o = json_object_new_object(), *vda = json_object_new_object();
	json_object_object_add(vda, "links", list);
	json_object_object_add(o, "vda", vda);
	return o;
}

/* As kvm/argv_image.c and kvm/confine_files.c name them. */
static void names(unsigned i, char node[32], char storage[32])
{
	snprintf(node, 32, i == 0 ? "vda-format" : "chain%u-format", i);
	snprintf(storage, 32, i == 0 ? "vda-file" : "chain%u-file", i);
}

static struct json_object *stats(const struct machine *m, const char *qdev)
{
	struct json_object *below = NULL, *list = json_object_new_array();
	char node[32], storage[32];
	for (unsigned i = m->n; i-- > 0;) {
		names(i, node, storage);
		struct json_object *o =
		    parse("{'node-name': '%s', 'parent': {'node-name': '%s'}}", node, storage);
		if (below != NULL)
			json_object_object_add(o, "backing", below);
		below = o;
	}
	if (m->filtered) {
		struct json_object *o = parse("{'node-name': 'vda-throttle'}");
		json_object_object_add(o, "backing", below);
		below = o;
	}
	json_object_object_add(below, "qdev", json_object_new_string(qdev));
	json_object_array_add(list, below);
	return list;
}

static struct json_object *nodes(const struct machine *m)
{
	struct json_object *list = json_object_new_array();
	char node[32], storage[32];
	for (unsigned i = 0; i < m->n; i++) {
		names(i, node, storage);
		json_object_array_add(
		    list, parse("{'node-name': '%s', 'drv': '%s'}", node, format_of(m, i)));
		if (m->sets)
			json_object_array_add(list,
			    parse("{'node-name': '%s', 'drv': 'file', 'file': '/dev/fdset/%u'}",
			        storage, i + 1));
		else
			json_object_array_add(
			    list, parse("{'node-name': '%s', 'drv': 'file', 'file': '%s'}", storage,
			              paths[i]));
	}
	if (m->filtered)
		json_object_array_add(
		    list, parse("{'node-name': 'vda-throttle', 'drv': 'throttle'}"));
	if (m->mirror != NULL) {
		json_object_array_add(list,
		    parse(
		        "{'node-name': 'vda-p3-format', 'drv': 'qcow2', 'backing_file_depth': %d}",
		        m->shallow_copy));
		json_object_array_add(list,
		    parse(
		        "{'node-name': 'vda-p3-storage', 'drv': 'file', 'file': '/dev/fdset/1300001'}"));
	}
	return list;
}

static void domain(const struct machine *m, struct domain *d)
{
	struct err err = {0};
	char *xml = xasprintf(
	    "<domain type=\"qemu\">\n  <name>web1</name>\n  <memory unit=\"MiB\">192</memory>\n"
	    "  <os>\n    <type arch=\"x86_64\" machine=\"q35\">hvm</type>\n  </os>\n  <devices>\n"
	    "    <disk type=\"file\" device=\"disk\">\n      <driver name=\"qemu\" type=\"qcow2\"%s/>\n"
	    "      <source file=\"/images/top.qcow2\"/>\n%s%s"
	    "      <target dev=\"vda\" bus=\"virtio\"/>\n%s    </disk>\n"
	    "    <disk type=\"file\" device=\"cdrom\">\n      <target dev=\"sda\" bus=\"sata\"/>\n"
	    "      <readonly/>\n    </disk>\n  </devices>\n</domain>\n",
	    m->driver != NULL ? m->driver : "", m->backing != NULL ? m->backing : "",
	    m->mirror != NULL ? m->mirror : "", m->transient ? "      <transient/>\n" : "");
	if (domain_parse(xml, strlen(xml), "web1", 0, d, NULL, &err) < 0)
		fail_msg("%s", err.msg);
	free(xml);
}

static void build(struct buf *out, const char *title, const struct machine *m, const char *verb,
    const char *request)
{
	struct domain live = {0}, config = {0};
	struct machine defined = *m;
	char id[ARGV_ID_MAX];
	defined.mirror = NULL;
	domain(m, &live);
	domain(&defined, &config);
	argv_disk_id(&live, 0, id);
	char *qdev = xasprintf("/machine/peripheral/%s/virtio-backend", id);
	struct json_object *facts = json_object_new_object();
	json_object_object_add(facts, "chains", chains(m));
	json_object_object_add(facts, "query-blockstats", stats(m, qdev));
	json_object_object_add(facts, "query-named-block-nodes", nodes(m));
	json_object_object_add(
	    facts, "query-status", parse("{'running': %s}", m->paused ? "false" : "true"));
	json_object_object_add(
	    facts, "query-block-jobs", m->job != NULL ? parse("[%s]", m->job) : parse("[]"));
	json_object_object_add(facts, "query-block",
	    parse("[{'qdev': '%s', 'inserted': {'image': {'virtual-size': 1048576}}}]", qdev));
	json_object_object_add(facts, "target", parse("{'free': 1000}"));
	struct plan_in in = {.name = "web1",
	    .id = 7,
	    .facts = facts,
	    .live = &live,
	    .config = &config,
	    .where = PLAN_LIVE};
	struct json_object *args = parse("%s", request);
	plan_golden_build(out, title, verb, &in, json_object_to_json_string_ext(args, 0));
	json_object_put(args);
	json_object_put(facts);
	free(qdev);
	domain_fini(&live);
	domain_fini(&config);
}

static void check(const char *file, struct buf *out)
{
	char *path = golden_path(file);
	golden_check(path, out->data);
	free(path);
	buf_fini(out);
}

#define TOLD                                                                                \
	"      <backingStore type=\"file\">\n        <format type=\"qcow2\"/>\n"            \
	"        <source file=\"/images/mid.qcow2\"/>\n        <backingStore "              \
	"type=\"file\">\n          <format type=\"raw\"/>\n          <source "              \
	"file=\"/images/base.raw\"/>\n          <backingStore/>\n        </backingStore>\n" \
	"      </backingStore>\n"

static void test_commit(void **state)
{
	struct buf out = BUF_INIT;
	const struct machine root = {.n = 3}, sets = {.n = 3, .sets = true},
	                     told = {.n = 3, .backing = TOLD}, one = {.n = 1},
	                     paused = {.n = 3, .sets = true, .paused = true},
	                     stopped = {.n = 2, .paused = true}, clone = {.n = 3, .clone = true},
	                     filtered = {.n = 2, .filtered = true},
	                     transient = {.n = 2, .transient = true},
	                     busy = {.n = 2, .job = "{'device': 'vda-p3', 'type': 'mirror'}"};
	(void)state;
	build(&out, "the whole, and over", &root, "blockcommit", "{'disk': 'vda', 'pivot': true}");
	build(&out, "of a paused machine", &stopped, "blockcommit",
	    "{'disk': 'vda', 'pivot': true, 'delete': true}");
	build(&out, "through sets", &sets, "blockcommit",
	    "{'disk': '/images/top.qcow2', 'pivot': true, 'shallow': true}");
	build(&out, "ready", &filtered, "blockcommit",
	    "{'disk': 'vda', 'active': true, 'bandwidth': 1048576}");
	build(&out, "keep the overlay", &root, "blockcommit",
	    "{'disk': 'vda', 'keep_overlay': true}");
	build(&out, "below, told", &told, "blockcommit",
	    "{'disk': 'vda', 'top': 'vda[1]', 'delete': true}");
	build(&out, "the whole, told", &told, "blockcommit", "{'disk': 'vda', 'pivot': true}");
	build(&out, "below, through sets", &sets, "blockcommit",
	    "{'disk': 'vda', 'top': '/images/mid.qcow2', 'base': 'base.raw', 'keep_relative': true}");
	build(&out, "without a word", &root, "blockcommit", "{'disk': 'vda'}");
	build(&out, "not active", &root, "blockcommit",
	    "{'disk': 'vda', 'top': 'vda[1]', 'active': true}");
	build(&out, "no chain", &one, "blockcommit", "{'disk': 'vda', 'pivot': true}");
	build(&out, "the wrong way", &root, "blockcommit",
	    "{'disk': 'vda', 'top': 'vda[1]', 'base': 'vda[1]'}");
	build(&out, "not in it", &root, "blockcommit", "{'disk': 'vda', 'base': '/etc/passwd'}");
	build(
	    &out, "a paused one's sets", &paused, "blockcommit", "{'disk': 'vda', 'pivot': true}");
	build(&out, "a clone below", &clone, "blockcommit",
	    "{'disk': 'vda', 'pivot': true, 'shallow': true}");
	build(&out, "a clone between", &clone, "blockcommit", "{'disk': 'vda', 'pivot': true}");
	build(&out, "of this run", &transient, "blockcommit", "{'disk': 'vda', 'pivot': true}");
	build(&out, "busy", &busy, "blockcommit", "{'disk': 'vda', 'pivot': true}");
	build(&out, "an empty drive", &root, "blockcommit", "{'disk': 'sda', 'pivot': true}");
	build(&out, "no such disk", &root, "blockcommit", "{'disk': 'vdz', 'pivot': true}");
	check("plan/blockcommit.txt", &out);
}

static void test_pull(void **state)
{
	struct buf out = BUF_INIT;
	const struct machine root = {.n = 3}, told = {.n = 3, .backing = TOLD}, one = {.n = 1},
	                     sets = {.n = 3, .sets = true};
	(void)state;
	build(&out, "all of it", &root, "blockpull", "{'disk': 'vda', 'bandwidth': 1000}");
	build(&out, "all of it, told", &told, "blockpull", "{'disk': 'vda'}");
	build(&out, "a part", &sets, "blockpull", "{'disk': 'vda', 'base': 'base.raw'}");
	build(&out, "a part, told", &told, "blockpull",
	    "{'disk': 'vda', 'base': 'vda[2]', 'keep_relative': true}");
	build(&out, "nothing", &root, "blockpull", "{'disk': 'vda', 'base': 'vda[1]'}");
	build(&out, "no chain", &one, "blockpull", "{'disk': 'vda'}");
	build(&out, "into what is below", &one, "blockpull", "{'disk': 'vda', 'base': 'vda'}");
	check("plan/blockpull.txt", &out);
}

static void test_copy(void **state)
{
	struct buf out = BUF_INIT;
	const struct machine root = {.n = 3},
	                     one = {.n = 1, .driver = " cache=\"none\" io=\"native\""};
	(void)state;
	build(&out, "and over", &root, "blockcopy",
	    "{'disk': 'vda', 'path': '/new/a.qcow2', 'pivot': true}");
	build(&out, "shallow, ready", &root, "blockcopy",
	    "{'disk': 'vda', 'path': '/new/a.qcow2', 'shallow': true, 'granularity': 65536, 'buf_size': 1048576}");
	build(&out, "raw, finished", &one, "blockcopy",
	    "{'disk': 'vda', 'path': '/new/a.img', 'format': 'raw', 'finish': true, 'bandwidth': 1000, 'synchronous': true}");
	build(&out, "shallow without a chain", &one, "blockcopy",
	    "{'disk': 'vda', 'path': '/new/a.qcow2', 'shallow': true, 'pivot': true}");
	build(&out, "shallow and raw", &root, "blockcopy",
	    "{'disk': 'vda', 'path': '/new/a.img', 'format': 'raw', 'shallow': true}");
	build(&out, "a device that is not there", &root, "blockcopy",
	    "{'disk': 'vda', 'path': '/dev/vg/lv', 'format': 'raw', 'block': true}");
	build(&out, "a format for reading", &root, "blockcopy",
	    "{'disk': 'vda', 'path': '/new/a.vmdk', 'format': 'vmdk'}");
	build(
	    &out, "onto itself", &root, "blockcopy", "{'disk': 'vda', 'path': '/images/base.raw'}");
	build(&out, "somewhere", &root, "blockcopy", "{'disk': 'vda', 'path': 'a.qcow2'}");
	check("plan/blockcopy.txt", &out);
}

#define COPY(ready)                                                                  \
	"      <mirror type=\"file\" file=\"/new/a.qcow2\" format=\"qcow2\" "        \
	"job=\"copy\"" ready ">\n        <format type=\"qcow2\"/>\n        <source " \
	"file=\"/new/a.qcow2\"/>\n      </mirror>\n"
#define COMMIT                                                                                   \
	"      <mirror type=\"file\" file=\"/images/base.raw\" format=\"raw\" "                  \
	"job=\"active-commit\" ready=\"yes\">\n        <format type=\"raw\"/>\n        <source " \
	"file=\"/images/base.raw\"/>\n      </mirror>\n"
#define READY "{'device': 'vda-p3', 'type': 'mirror', 'ready': true, 'status': 'ready'}"

static void test_job(void **state)
{
	struct buf out = BUF_INIT;
	const struct machine
	    copy = {.n = 3, .mirror = COPY(" ready=\"yes\""), .job = READY},
	    shallow = {.n = 3,
	        .mirror = COPY(" ready=\"yes\""),
	        .shallow_copy = true,
	        .job = READY},
	    commit = {.n = 3, .mirror = COMMIT, .job = READY}, gone = {.n = 3, .mirror = COMMIT},
	    failed = {.n = 3,
	        .mirror = COPY(""),
	        .job =
	            "{'device': 'vda-p3', 'type': 'mirror', 'ready': false, 'status': 'concluded', 'error': 'No space'}"},
	    none = {.n = 3};
	(void)state;
	build(&out, "over to the copy", &copy, "blockjob", "{'disk': 'vda', 'pivot': true}");
	build(&out, "over to the shallow copy", &shallow, "blockjob",
	    "{'disk': 'vda', 'pivot': true}");
	build(&out, "down", &commit, "blockjob", "{'disk': 'vda', 'pivot': true}");
	build(&out, "the copy ends", &copy, "blockjob", "{'disk': 'vda'}");
	build(&out, "the commit ends", &commit, "blockjob", "{'disk': 'vda'}");
	build(&out, "it is gone", &gone, "blockjob", "{'disk': 'vda'}");
	build(&out, "it has failed", &failed, "blockjob", "{'disk': 'vda', 'pivot': true}");
	build(&out, "what has failed is cleared", &failed, "blockjob", "{'disk': 'vda'}");
	build(&out, "none", &none, "blockjob", "{'disk': 'vda'}");
	check("plan/blockjob.txt", &out);
}

static void test_size(void **state)
{
	struct buf out = BUF_INIT;
	const struct machine root = {.n = 3}, filtered = {.n = 1, .filtered = true},
	                     busy = {.n = 2, .job = "{'device': 'vda-p3', 'type': 'stream'}"};
	(void)state;
	build(&out, "larger", &filtered, "blockresize", "{'disk': 'vda', 'size': 2000000}");
	build(&out, "as it is", &root, "blockresize", "{'disk': 'vda', 'size': 1048576}");
	build(&out, "smaller", &root, "blockresize", "{'disk': 'vda', 'size': 1000}");
	build(&out, "smaller, meant", &root, "blockresize",
	    "{'disk': 'vda', 'size': 1000, 'shrink': true}");
	build(&out, "no size", &root, "blockresize", "{'disk': 'vda', 'size': -1}");
	build(&out, "busy", &busy, "blockresize", "{'disk': 'vda', 'size': 2000000}");
	build(&out, "the top", &root, "domblkthreshold", "{'disk': 'vda', 'threshold': 1000000}");
	build(&out, "one below", &root, "domblkthreshold",
	    "{'disk': 'vda[2]', 'threshold': 1000000}");
	build(&out, "none of it", &root, "domblkthreshold", "{'disk': 'vda[3]', 'threshold': 1}");
	check("plan/blockresize.txt", &out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_commit),
	    cmocka_unit_test(test_pull),
	    cmocka_unit_test(test_copy),
	    cmocka_unit_test(test_job),
	    cmocka_unit_test(test_size),
	};
	return cmocka_run_group_tests_name("plan_block", tests, NULL, NULL);
}
