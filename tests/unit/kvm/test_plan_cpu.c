#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "unit/plan_golden.h"

/* vCPUs as QEMU lists them: the last place first. on: those that there are; plugged: with ids of their own. */
static struct json_object *places(unsigned n, unsigned on, unsigned plugged)
{
	struct json_object *list = json_object_new_array();
	for (unsigned i = n; i-- > 0;) {
		struct json_object *o = json_object_new_object(), *props = json_object_new_object();
		json_object_object_add(props, "core-id", json_object_new_int(0));
		json_object_object_add(props, "thread-id", json_object_new_int(0));
		json_object_object_add(props, "socket-id", json_object_new_int((int)i));
		json_object_object_add(o, "props", props);
		json_object_object_add(o, "vcpus-count", json_object_new_int(1));
		json_object_object_add(o, "type", json_object_new_string("qemu64-x86_64-cpu"));
		char path[64];
		snprintf(path, sizeof path,
		    i < on - plugged ? "/machine/unattached/device[%u]"
		                     : "/machine/peripheral/vcpu%u",
		    i);
		if (i < on)
			json_object_object_add(o, "qom-path", json_object_new_string(path));
		json_object_array_add(list, o);
	}
	return list;
}

static const char *type = "kvm";

static void parse(const char *vcpu, struct domain *d)
{
	struct err err = {0};
	char *xml = xasprintf(
	    "<domain type='%s'>\n  <name>web1</name>\n  <memory unit='MiB'>192</memory>\n  %s\n"
	    "  <os>\n    <type arch='x86_64' machine='q35'>hvm</type>\n  </os>\n  <devices/>\n</domain>\n",
	    type, vcpu);
	for (char *at = xml; (at = strchr(at, '\'')) != NULL;)
		*at = '"'; /* as it is written again */
	if (domain_parse(xml, strlen(xml), "web1", 0, d, NULL, &err) < 0)
		fail_msg("%s", err.msg);
	free(xml);
}

static void build(struct buf *out, const char *title, const char *live, struct json_object *places,
    const char *config, bool paused, const char *verb, const char *args)
{
	struct domain l = {0}, c = {0};
	struct plan_in in = {.name = "web1", .id = 7, .facts = json_object_new_object()};
	if (live != NULL) {
		struct json_object *status = json_object_new_object();
		parse(live, &l);
		in.live = &l;
		in.where |= PLAN_LIVE;
		json_object_object_add(status, "running", json_object_new_boolean(!paused));
		json_object_object_add(in.facts, "query-status", status);
		if (places != NULL)
			json_object_object_add(in.facts, "query-hotpluggable-cpus", places);
	}
	if (config != NULL) {
		parse(config, &c);
		in.config = &c;
		in.where |= PLAN_CONFIG;
	}
	plan_golden_build(out, title, verb, &in, args);
	json_object_put(in.facts);
	domain_fini(&l);
	domain_fini(&c);
}

#define OF4 "<vcpu current='1'>4</vcpu>"
#define PLUGGED                                                           \
	"<vcpu current='3'>4</vcpu>\n  <vcpus>\n"                         \
	"    <vcpu id='0' enabled='yes' hotpluggable='no' order='1'/>\n"  \
	"    <vcpu id='1' enabled='yes' hotpluggable='yes' order='3'/>\n" \
	"    <vcpu id='2' enabled='yes' hotpluggable='yes' order='2'/>\n" \
	"    <vcpu id='3' enabled='no' hotpluggable='yes'/>\n  </vcpus>"

static void check(const char *file, struct buf *out)
{
	char *path = golden_path(file);
	golden_check(path, out->data);
	free(path);
	buf_fini(out);
}

static void test_live(void **state)
{
	struct buf out = BUF_INIT;
	(void)state;
	build(&out, "plug", OF4, places(4, 1, 0), NULL, false, "setvcpus", "{\"count\": 3}");
	build(&out, "more", PLUGGED, places(4, 3, 2), NULL, false, "setvcpus", "{\"count\": 4}");
	build(&out, "unplug", PLUGGED, places(4, 3, 2), NULL, false, "setvcpus", "{\"count\": 1}");
	build(
	    &out, "as it is", PLUGGED, places(4, 3, 2), NULL, false, "setvcpus", "{\"count\": 3}");
	build(&out, "too many", OF4, places(4, 1, 0), NULL, false, "setvcpus", "{\"count\": 5}");
	build(&out, "from the start", "<vcpu current='2'>4</vcpu>", places(4, 2, 0), NULL, false,
	    "setvcpus", "{\"count\": 1}");
	build(&out, "paused", PLUGGED, places(4, 3, 2), NULL, true, "setvcpus", "{\"count\": 2}");
	build(&out, "a machine that cannot", OF4, NULL, NULL, false, "setvcpus", "{\"count\": 2}");
	build(&out, "none", OF4, places(4, 1, 0), NULL, false, "setvcpus", "{\"count\": 0}");
	build(&out, "maximum", OF4, places(4, 1, 0), NULL, false, "setvcpus",
	    "{\"count\": 8, \"maximum\": true}");
	build(&out, "by number", OF4, places(4, 1, 0), NULL, false, "setvcpu",
	    "{\"vcpus\": \"3\", \"enable\": true}");
	build(&out, "away by number", PLUGGED, places(4, 3, 2), NULL, false, "setvcpu",
	    "{\"vcpus\": \"1\", \"enable\": false}");
	build(&out, "the first", PLUGGED, places(4, 3, 2), NULL, false, "setvcpu",
	    "{\"vcpus\": \"0\", \"enable\": false}");
	build(&out, "no such", PLUGGED, places(4, 3, 2), NULL, false, "setvcpu",
	    "{\"vcpus\": \"1,9\", \"enable\": true}");
	type = "qemu";
	build(&out, "emulated", OF4, places(4, 1, 0), NULL, false, "setvcpus", "{\"count\": 3}");
	build(&out, "emulated: unplug", PLUGGED, places(4, 3, 2), NULL, false, "setvcpus",
	    "{\"count\": 1}");
	type = "kvm";
	check("plan/vcpus_live.txt", &out);
}

static void test_config(void **state)
{
	struct buf out = BUF_INIT;
	(void)state;
	build(&out, "more", NULL, NULL, OF4, false, "setvcpus", "{\"count\": 3}");
	build(&out, "all", NULL, NULL, OF4, false, "setvcpus", "{\"count\": 4}");
	build(&out, "hotpluggable", NULL, NULL, OF4, false, "setvcpus",
	    "{\"count\": 2, \"hotpluggable\": true}");
	build(&out, "fewer", NULL, NULL, PLUGGED, false, "setvcpus", "{\"count\": 2}");
	build(&out, "too many", NULL, NULL, OF4, false, "setvcpus", "{\"count\": 5}");
	build(&out, "maximum", NULL, NULL, OF4, false, "setvcpus",
	    "{\"count\": 8, \"maximum\": true}");
	build(&out, "a lower maximum", NULL, NULL, PLUGGED, false, "setvcpus",
	    "{\"count\": 2, \"maximum\": true}");
	build(&out, "maximum beside a topology", NULL, NULL,
	    OF4 "<cpu><topology sockets='1' cores='4' threads='1'/></cpu>", false, "setvcpus",
	    "{\"count\": 8, \"maximum\": true}");
	build(&out, "by number", NULL, NULL, OF4, false, "setvcpu",
	    "{\"vcpus\": \"2\", \"enable\": true}");
	build(&out, "both", OF4, places(4, 1, 0), OF4, false, "setvcpus", "{\"count\": 2}");
	check("plan/vcpus_config.txt", &out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_live),
	    cmocka_unit_test(test_config),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
