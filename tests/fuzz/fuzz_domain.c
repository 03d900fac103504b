/* Any bytes as a domain document: they are refused, or become a definition that is written to a
 * document which means the same. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/domain.h"
#include "core/mem.h"
#include "core/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good)
{
	if (!good)
		abort();
}

static void compare(const struct domain *a, const struct domain *b)
{
	must(a->type == b->type && str_eq(a->name, b->name));
	must(memcmp(a->uuid, b->uuid, sizeof a->uuid) == 0);
	must(a->memory_kib == b->memory_kib && a->current_memory_kib == b->current_memory_kib);
	must(a->vcpus == b->vcpus && a->vcpus_max == b->vcpus_max);
	must(str_eq(a->machine, b->machine) && str_eq(a->kernel, b->kernel));
	must(a->n_disks == b->n_disks && a->n_nets == b->n_nets);
	must(a->n_consoles == b->n_consoles && a->n_controllers == b->n_controllers);
	must(a->n_devs == b->n_devs && a->n_channels == b->n_channels);
	must(a->qemu.n_args == b->qemu.n_args && a->qemu.n_env == b->qemu.n_env);
	for (size_t i = 0; i < a->n_disks; i++) {
		must(str_eq(a->disks[i].image.path, b->disks[i].image.path));
		must(str_eq(a->disks[i].target, b->disks[i].target));
		must(a->disks[i].address.slot == b->disks[i].address.slot);
	}
	for (size_t i = 0; i < a->n_nets; i++) {
		must(str_eq(a->nets[i].mac, b->nets[i].mac));
		must(a->nets[i].address.slot == b->nets[i].address.slot);
	}
}

static void check(const char *xml, size_t n, unsigned flags)
{
	struct domain a, b;
	struct err err = {0};
	struct buf warnings = BUF_INIT;
	if (domain_parse(xml, n, "f.xml", flags, &a, &warnings, &err) < 0) {
		must(err.msg[0] != '\0');
		buf_fini(&warnings);
		return;
	}
	if (domain_complete(&a, NULL, NULL, &err) == 0) {
		char *text = domain_format(&a, &err);
		must(text != NULL);
		if (domain_parse(text, strlen(text), "f.xml", flags, &b, NULL, &err) != 0) {
			fprintf(stderr, "%s\n%s\n", err.msg, text);
			abort();
		}
		compare(&a, &b);
		char *again = domain_format(&b, &err);
		must(str_eq(text, again));
		domain_fini(&b);
		free(again);
		free(text);
	}
	domain_fini(&a);
	buf_fini(&warnings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check((const char *)data, size, DOMAIN_PARSE_STRICT);
	check((const char *)data, size, DOMAIN_PARSE_LENIENT);
	return 0;
}
