/* Is this host fit for guests? host-validate, kvm-ok. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/dispatch.h"
#include "cli/out.h"
#include "kvm/host_validate.h"

static bool wants_colour(void)
{
	const char *term = getenv("TERM"), *no = getenv("NO_COLOR");
	return isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0 && !(no && *no);
}

/* virt-host-validate's lines, so that what reads those reads these. */
static void print_check(const struct host_check *check, bool colour)
{
	static const char *const colours[HOST_VERDICTS] = {
	    [HOST_PASS] = "\033[32m", [HOST_WARN] = "\033[33m", [HOST_FAIL] = "\033[31m"};
	const char *name = host_verdict_name(check->verdict);
	printf("%6s: Checking %-60s: ", "QEMU", check->what);
	printf("%s%s%s", colour ? colours[check->verdict] : "", name, colour ? "\033[0m" : "");
	if (check->hint)
		printf(" (%s)", check->hint);
	putchar('\n');
}

static void print_json(const struct host_report *r)
{
	struct json_object *all = json_object_new_array();
	for (size_t i = 0; i < r->n; i++) {
		const struct host_check *check = &r->checks[i];
		struct json_object *o = json_object_new_object();
		out_add_str(o, "id", check->id);
		out_add_str(o, "check", check->what);
		out_add_str(o, "result", host_verdict_name(check->verdict));
		out_add_str(o, "hint", check->hint);
		out_add_str(o, "detail", check->detail);
		json_object_array_add(all, o);
	}
	out_json(all);
}

int verb_host_validate(struct cli *c)
{
	struct err err = {0};
	struct host_facts f;
	struct host_report r;
	bool failed = false, colour = wants_colour();
	if (host_facts_read(&c->home, "", &f, &err) < 0) {
		out_error("%s", err.msg);
		return CLI_FAILED;
	}
	host_validate(&f, &r);
	for (size_t i = 0; i < r.n; i++) {
		failed |= r.checks[i].verdict == HOST_FAIL;
		if (!c->json && !(c->quiet && r.checks[i].verdict == HOST_PASS))
			print_check(&r.checks[i], colour);
	}
	if (c->json)
		print_json(&r);
	host_report_fini(&r);
	host_facts_fini(&f);
	return failed ? CLI_FAILED : CLI_DONE;
}

/* Ubuntu's words; unlike its script this one has tried. */
int verb_kvm_ok(struct cli *c)
{
	struct err err = {0};
	struct host_facts f;
	if (host_facts_read(&c->home, "", &f, &err) < 0) {
		out_error("%s", err.msg);
		return CLI_FAILED;
	}
	const char *problem = host_kvm_problem(&f);
	bool device = access("/dev/kvm", F_OK) == 0;
	if (c->json) {
		struct json_object *o = json_object_new_object();
		out_add_bool(o, "device", device);
		out_add_bool(o, "usable", !problem);
		out_add_str(o, "problem", problem);
		out_json(o);
	} else {
		if (device)
			puts("INFO: /dev/kvm exists");
		if (problem)
			printf("INFO: %s\n", problem);
		else if (!f.kvm.modes_64bit)
			puts("INFO: no more than firmware and 16 and 32-bit code runs on it");
		if (!device && problem && problem[0] == '/')
			puts("HINT:   sudo modprobe kvm_intel, or kvm_amd");
		printf("KVM acceleration can %sbe used\n", problem ? "NOT " : "");
	}
	int status = problem ? CLI_FAILED : CLI_DONE;
	host_facts_fini(&f);
	return status;
}
