/* schedinfo: how much of the host's CPUs a domain may take, as its document says. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/change.h"
#include "cli/facts.h"
#include "cli/live.h"
#include "cli/out.h"
#include "core/domain.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/xml.h"

#define KERNEL_SHARES 1024    /* what the kernel gives to a group of which nothing else is said */
#define KERNEL_PERIOD 100000u /* microseconds */

/* virsh's parameters and the document's elements under <cputune>. */
enum meaning { SHARES, PERIOD, QUOTA };
static const struct parameter {
	const char *name, *element;
	enum meaning meaning;
	size_t bandwidth; /* its place in struct domain_cputune */
} parameters[] = {
    {"cpu_shares", "shares", SHARES, 0},
    {"vcpu_period", "period", PERIOD, offsetof(struct domain_cputune, vcpu)},
    {"vcpu_quota", "quota", QUOTA, offsetof(struct domain_cputune, vcpu)},
    {"emulator_period", "emulator_period", PERIOD, offsetof(struct domain_cputune, emulator)},
    {"emulator_quota", "emulator_quota", QUOTA, offsetof(struct domain_cputune, emulator)},
    {"global_period", "global_period", PERIOD, offsetof(struct domain_cputune, global)},
    {"global_quota", "global_quota", QUOTA, offsetof(struct domain_cputune, global)},
    {"iothread_period", "iothread_period", PERIOD, offsetof(struct domain_cputune, iothread)},
    {"iothread_quota", "iothread_quota", QUOTA, offsetof(struct domain_cputune, iothread)},
};

static int64_t value_of(const struct domain_cputune *t, const struct parameter *p)
{
	const struct tune_bandwidth *b =
	    (const struct tune_bandwidth *)(const void *)((const char *)t + p->bandwidth);
	switch (p->meaning) {
	case SHARES:
		return t->has_shares ? (int64_t)t->shares : KERNEL_SHARES;
	case PERIOD:
		return b->period > 0 ? (int64_t)b->period : KERNEL_PERIOD;
	case QUOTA:
		return b->quota > 0 ? b->quota : -1;
	}
	return 0;
}

static void print_parameters(const struct cli *c, const struct domain_cputune *t)
{
	struct json_object *o = c->json ? json_object_new_object() : NULL;
	if (o)
		out_add_str(o, "scheduler", "posix");
	else
		printf("%-15s: %s\n", "Scheduler", "posix");
	for (size_t i = 0; i < ARRAY_LEN(parameters); i++) {
		int64_t v = value_of(t, &parameters[i]);
		if (o)
			json_object_object_add(o, parameters[i].name, json_object_new_int64(v));
		else
			printf("%-15s: %" PRId64 "\n", parameters[i].name, v);
	}
	if (o)
		out_json(o);
}

/* --- changing --- */

static const struct parameter *find(const char *word, const char **value)
{
	size_t n = strcspn(word, "=");
	*value = word[n] == '=' ? word + n + 1 : NULL;
	for (size_t i = 0; i < ARRAY_LEN(parameters); i++)
		if (strlen(parameters[i].name) == n && strncmp(parameters[i].name, word, n) == 0)
			return &parameters[i];
	return NULL;
}

static bool in_range(const struct parameter *p, const char *value)
{
	uint64_t n = 0;
	bool number = str_u64(value, INT64_MAX, &n) == 0;
	switch (p->meaning) {
	case SHARES:
		return number && n <= TUNE_SHARES_MAX;
	case PERIOD:
		return number && n >= TUNE_PERIOD_MIN && n <= TUNE_PERIOD_MAX;
	case QUOTA:
		return str_eq(value, "-1") || (number && n >= TUNE_QUOTA_MIN);
	}
	return false;
}

static int check_words(const struct cli *c, struct err *err)
{
	unsigned n;
	const char *const *words = cli_values(c, "set", &n);
	for (unsigned i = 0; i < n; i++) {
		const char *value;
		const struct parameter *p = find(words[i], &value);
		if (!p || !value)
			return err_set(err, ERR_INVALID, "invalid scheduler option: %s", words[i]);
		if (!in_range(p, value))
			return err_set(err, ERR_INVALID,
			    "%s: '%s' is out of range: shares are 0 to %u, "
			    "periods %u to %u us, quotas -1 or from %d us",
			    p->name, value, TUNE_SHARES_MAX, TUNE_PERIOD_MIN, TUNE_PERIOD_MAX,
			    TUNE_QUOTA_MIN);
	}
	return 0;
}

static char *write_words(
    void *arg, const char *xml, size_t n, const char *file, size_t *out_n, struct err *err)
{
	const struct cli *c = arg;
	unsigned k;
	const char *const *words = cli_values(c, "set", &k);
	CLEANUP_XML xmlDoc *doc = xml_read(xml, n, file, "domain", err);
	if (!doc)
		return NULL;
	xmlNode *tune = xml_need_child(xmlDocGetRootElement(doc), "cputune");
	for (unsigned i = 0; i < k; i++) {
		const char *value;
		const struct parameter *p = find(words[i], &value);
		xml_set_text(xml_need_child(tune, p->element), value);
	}
	return xml_format(doc, out_n);
}

/* The limits of a running domain are its control groups', which its start sets up. */
static int change(struct cli *c, const char *name, const struct vm *vm, struct err *err)
{
	if (check_words(c, err) < 0)
		return -1;
	if (cli_flag(c, "live") || (cli_flag(c, "current") && vm->live))
		return err_set(err, ERR_UNSUPPORTED,
		    "the limits of a running domain are not changed: --config changes its next start's");
	if (change_domain(c, name, CHANGE_CONFIG, "schedinfo", write_words, c, err) < 0)
		return -1;
	if (vm->live)
		out_warning("domain '%s' gets these limits at its next start", name);
	return 0;
}

static int read_tune(struct cli *c, const char *name, bool live, struct domain *d, struct err *err)
{
	const struct live l = {.c = c, .name = (char *)name};
	return live ? live_domain(&l, d, err) : facts_definition(&c->home, name, d, err);
}

static int run(struct cli *c, struct domain *d, struct err *err)
{
	struct vm vm;
	unsigned n;
	CLEANUP_FREE char *name = vm_resolve(&c->home, cli_value(c, "domain"), err);
	if (!name || vm_probe(&c->home, name, &vm, err) < 0)
		return -1;
	int rc = 0;
	cli_values(c, "set", &n);
	bool live = vm.live && !cli_flag(c, "config") && n == 0;
	if (!vm.live && cli_flag(c, "live"))
		rc = err_set(
		    err, ERR_STATE, "Requested operation is not valid: domain is not running");
	if (rc == 0 && n > 0)
		rc = change(c, name, &vm, err);
	vm_fini(&vm);
	return rc < 0 ? -1 : read_tune(c, name, live, d, err);
}

int verb_schedinfo(struct cli *c)
{
	struct err err = {0};
	struct domain d = {0};
	if (cli_value(c, "weight") || cli_value(c, "cap")) {
		out_error(
		    "--weight and --cap are Xen's; see 'schedinfo DOMAIN --set cpu_shares=2048'");
		return CLI_FAILED;
	}
	int rc = run(c, &d, &err);
	if (rc == 0)
		print_parameters(c, &d.tune.cpu);
	domain_fini(&d);
	return rc == 0 ? CLI_DONE : live_failed(NULL, &err);
}
