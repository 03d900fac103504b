#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "unit/plan_golden.h"

#define DOMAIN(inner, devices)                                                                         \
	"<domain type=\"qemu\">\n  <name>web1</name>\n" inner                                          \
	"  <os>\n    <type arch=\"x86_64\" machine=\"q35\">hvm</type>\n  </os>\n  <devices>\n" devices \
	"  </devices>\n</domain>\n"
#define BALLOON "    <memballoon model=\"virtio\"/>\n"
#define PLAIN "  <memory unit=\"MiB\">1024</memory>\n"
#define LESS PLAIN "  <currentMemory unit=\"MiB\">512</currentMemory>\n"
#define NUMA                                                             \
	"  <maxMemory slots=\"4\" unit=\"MiB\">4096</maxMemory>\n" PLAIN \
	"  <vcpu>1</vcpu>\n  <cpu>\n    <numa>\n"                        \
	"      <cell id=\"0\" cpus=\"0\" memory=\"1024\" unit=\"MiB\"/>\n    </numa>\n  </cpu>\n"

static void parse(const char *xml, unsigned flags, struct domain *d)
{
	struct err err = {0};
	if (domain_parse(xml, strlen(xml), "web1", flags, d, NULL, &err) < 0)
		fail_msg("%s", err.msg);
}

static void build(struct buf *out, const char *title, const char *live, const char *config,
    const char *verb, const char *args)
{
	struct domain l = {0}, c = {0};
	struct plan_in in = {.name = "web1", .id = 7, .facts = json_object_new_object()};
	if (live != NULL) {
		parse(live, DOMAIN_PARSE_LIVE, &l);
		in.live = &l;
		in.where |= PLAN_LIVE;
	}
	if (config != NULL) {
		parse(config, 0, &c);
		in.config = &c;
		in.where |= PLAN_CONFIG;
	}
	plan_golden_build(out, title, verb, &in, args);
	json_object_put(in.facts);
	domain_fini(&l);
	domain_fini(&c);
}

static void test_balloon(void **state)
{
	struct buf out = BUF_INIT;
	const char *full = DOMAIN(PLAIN, BALLOON), *less = DOMAIN(LESS, BALLOON);
	(void)state;
	build(&out, "less", full, NULL, "setmem", "{\"kib\": 524288}");
	build(&out, "more", less, NULL, "setmem", "{\"kib\": 1048576}");
	build(&out, "as it is", less, NULL, "setmem", "{\"kib\": 524288}");
	build(&out, "no even number", full, NULL, "setmem", "{\"kib\": 500001}");
	build(&out, "too much", full, NULL, "setmem", "{\"kib\": 4194304}");
	build(&out, "nothing", full, NULL, "setmem", "{\"kib\": 0}");
	build(&out, "no balloon", DOMAIN(PLAIN, "    <memballoon model=\"none\"/>\n"), NULL,
	    "setmem", "{\"kib\": 524288}");
	build(&out, "of what is off", NULL, full, "setmem", "{\"kib\": 524288}");
	build(&out, "too much of what is off", NULL, full, "setmem", "{\"kib\": 1048577}");
	build(&out, "both", full, full, "setmem", "{\"kib\": 524288}");
	char *path = golden_path("plan/setmem.txt");
	golden_check(path, out.data);
	free(path);
	buf_fini(&out);
}

static void test_maximum(void **state)
{
	struct buf out = BUF_INIT;
	(void)state;
	build(&out, "more", NULL, DOMAIN(PLAIN, BALLOON), "setmaxmem", "{\"kib\": 2097152}");
	build(&out, "less", NULL, DOMAIN(PLAIN, BALLOON), "setmaxmem", "{\"kib\": 524288}");
	build(&out, "less than the balloon leaves", NULL, DOMAIN(LESS, BALLOON), "setmaxmem",
	    "{\"kib\": 262144}");
	build(&out, "more than the balloon leaves", NULL, DOMAIN(LESS, BALLOON), "setmaxmem",
	    "{\"kib\": 2097152}");
	build(&out, "of what runs", DOMAIN(PLAIN, BALLOON), DOMAIN(PLAIN, BALLOON), "setmaxmem",
	    "{\"kib\": 524288}");
	build(&out, "NUMA", NULL, DOMAIN(NUMA, BALLOON), "setmaxmem", "{\"kib\": 2097152}");
	char *path = golden_path("plan/setmaxmem.txt");
	golden_check(path, out.data);
	free(path);
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_balloon),
	    cmocka_unit_test(test_maximum),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
