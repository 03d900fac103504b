/* Plans for network cards and for devices that stay: each request of tests/data/plan_net/NAME.json ("verb", "where", "args", "facts",
 * and the documents by file, "live" and "config") gives the steps in NAME.plan, with what changes in the documents behind them. */
#include "unit/cm.h"

#include <glob.h>
#include <json-c/json.h>

#include "core/buf.h"
#include "core/domain_diff.h"
#include "core/jsonl.h"
#include "core/str.h"
#include "kvm/argv_alias.h"
#include "kvm/plan_verbs.h"
#include "unit/golden.h"

static struct caps caps;

static int load_caps(void **state)
{
	(void)state;
	struct buf json = BUF_INIT;
	struct err err = {0};
	char *path = golden_path("caps/qemu-7.2-x86_64.caps");
	golden_read(path, &json);
	int rc = caps_parse(json.data, json.len, &caps, &err);
	buf_fini(&json);
	free(path);
	return rc;
}

static int free_caps(void **state)
{
	(void)state;
	caps_fini(&caps);
	return 0;
}

/* As a start writes it down: complete, with the aliases of all devices. */
static void read_domain(const char *file, bool live, struct domain *d)
{
	struct buf xml = BUF_INIT;
	struct err err = {0};
	CLEANUP(domain_fini) struct domain plain = {0};
	char *name = xasprintf("plan_net/%s", file), *path = golden_path(name);
	golden_read(path, &xml);
	if (domain_parse(xml.data, xml.len - 1, file, 0, &plain, NULL, &err) < 0 ||
	    domain_complete(&plain, NULL, NULL, &err) < 0)
		fail_msg("%s", err.msg);
	if (live)
		argv_aliases(&plain);
	char *text = domain_format(&plain, &err);
	assert_non_null(text);
	unsigned flags = DOMAIN_PARSE_LENIENT | (live ? DOMAIN_PARSE_LIVE : 0u);
	assert_int_equal(domain_parse(text, strlen(text), file, flags, d, NULL, &err), 0);
	free(text);
	buf_fini(&xml);
	free(name);
	free(path);
}

static void add_changes(struct buf *out, const struct plan *p)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct plan_action *a = &p->step[i].does;
		const char *xml = json_get_str(a->args, "xml"), *was = json_get_str(a->args, "was");
		struct domain_diff diff;
		struct err err = {0};
		if (a->kind != PLAN_HOST || xml == NULL)
			continue;
		assert_int_equal(
		    domain_diff_read(was, strlen(was), xml, strlen(xml), "x", &diff, &err), 0);
		for (size_t k = 0; k < diff.n; k++)
			buf_addf(out, "%s: %s %s: %s: '%s' -> '%s'\n", a->name, diff.item[k].device,
			    diff.item[k].setting, domain_diff_kind_name(diff.item[k].kind),
			    diff.item[k].now != NULL ? diff.item[k].now : "",
			    diff.item[k].next != NULL ? diff.item[k].next : "");
		domain_diff_fini(&diff);
	}
}

static unsigned where_of(struct json_object *request)
{
	struct json_object *list = json_get_arr(request, "where");
	unsigned where = 0;
	for (size_t i = 0; list != NULL && i < json_object_array_length(list); i++)
		where |= str_eq(json_object_get_string(json_object_array_get_idx(list, i)), "live")
		             ? PLAN_LIVE
		             : PLAN_CONFIG;
	return where;
}

/* The plan as people see it, or the refusal. */
static void build(struct json_object *request, struct buf *out)
{
	CLEANUP(domain_fini) struct domain live = {0};
	CLEANUP(domain_fini) struct domain config = {0};
	const char *live_file = json_get_str(request, "live");
	const struct plan_verb *v = plan_verb_find(json_get_str(request, "verb"));
	struct err err = {0};
	struct plan p;
	assert_non_null(v);
	if (live_file != NULL)
		read_domain(live_file, true, &live);
	read_domain(json_get_str(request, "config"), false, &config);
	static char run[] = "/run/hvmux", data[] = "/data", conf[] = "/etc/hvmux",
	            logs[] = "/var/log/hvmux";
	static const struct home home = {.run = run, .data = data, .conf = conf, .log = logs};
	struct plan_in in = {.home = &home,
	    .name = "vm1",
	    .live = live_file != NULL ? &live : NULL,
	    .config = &config,
	    .caps = &caps,
	    .where = where_of(request),
	    .args = json_get_obj(request, "args"),
	    .facts = json_get_obj(request, "facts"),
	    .id = 7,
	    .other_user = json_get_bool(request, "other_user", 0) != 0};
	plan_init(&p, v->name, in.id);
	if (v->build(&in, &p, &err) < 0) {
		buf_addf(out, "refused: %s\n", err.msg);
	} else {
		CLEANUP_FREE char *words = plan_to_words(&p);
		struct json_object *o = plan_to_json(&p);
		struct plan again;
		buf_adds(out, words);
		add_changes(out, &p);
		assert_int_equal(plan_from_json(o, &again, &err), 0);
		plan_fini(&again);
		json_object_put(o);
	}
	plan_fini(&p);
}

static void check_one(const char *path)
{
	struct buf text = BUF_INIT, got = BUF_INIT;
	char *plan = xasprintf("%.*s.plan", (int)(strlen(path) - strlen(".json")), path);
	golden_read(path, &text);
	struct json_object *request = json_tokener_parse(text.data);
	if (request == NULL)
		fail_msg("%s is no JSON", path);
	build(request, &got);
	buf_adds(&got, "");
	golden_check(plan, got.data);
	json_object_put(request);
	buf_fini(&text);
	buf_fini(&got);
	free(plan);
}

static void test_goldens(void **state)
{
	(void)state;
	glob_t g;
	char *pattern = golden_path("plan_net/*.json");
	assert_int_equal(glob(pattern, 0, NULL, &g), 0);
	for (size_t i = 0; i < g.gl_pathc; i++)
		check_one(g.gl_pathv[i]);
	globfree(&g);
	free(pattern);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_goldens)};
	return cmocka_run_group_tests(tests, load_caps, free_caps);
}
