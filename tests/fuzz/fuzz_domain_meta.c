/* Any bytes as a document with metadata of ours: it is refused, or what is read can be put back, and what is put back
 * is read again as the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/domain_meta.h"
#include "core/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good)
{
	if (!good)
		abort();
}

static bool same_list(char *const *a, size_t n_a, char *const *b, size_t n_b)
{
	for (size_t i = 0; i < n_a && n_a == n_b; i++)
		if (strcmp(a[i], b[i]) != 0)
			return false;
	return n_a == n_b;
}

static void must_be_equal(const struct domain_meta *a, const struct domain_meta *b)
{
	must(same_list(a->tags, a->n_tags, b->tags, b->n_tags));
	must(same_list(a->after, a->n_after, b->after, b->n_after));
	must(str_eq(a->group, b->group) && a->protect == b->protect);
	must(a->n_triggers == b->n_triggers && a->n_responds == b->n_responds);
	for (size_t i = 0; i < a->n_triggers; i++)
		must(str_eq(a->triggers[i].name, b->triggers[i].name) &&
		     str_eq(a->triggers[i].pattern, b->triggers[i].pattern) &&
		     a->triggers[i].badge == b->triggers[i].badge &&
		     a->triggers[i].every == b->triggers[i].every);
	must(a->scrollback == b->scrollback && a->console_deaf == b->console_deaf);
	must(a->order == b->order && a->delay == b->delay && a->timeout == b->timeout);
}

static void round_trip(const char *xml, size_t size, const struct domain_meta *m)
{
	struct domain_meta again;
	struct err err = {0};
	size_t n;
	char *text = domain_meta_apply(xml, size, "f.xml", m, &n, &err);
	if (text == NULL) {
		must(err.msg[0] != '\0');
		return;
	}
	must(domain_meta_parse(text, n, "f.xml", &again, &err) == 0);
	must_be_equal(m, &again);
	size_t n2;
	char *twice = domain_meta_apply(text, n, "f.xml", &again, &n2, &err);
	must(str_eq(text, twice));
	domain_meta_fini(&again);
	free(twice);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *xml = (const char *)data;
	struct domain_meta m;
	struct err err = {0};
	if (domain_meta_parse(xml, size, "f.xml", &m, &err) < 0)
		must(err.msg[0] != '\0');
	round_trip(xml, size, &m);
	m.protect = !m.protect;
	m.order = m.order != 0 ? 0 : 7;
	domain_meta_remove_tag(&m, "web");
	domain_meta_add_tag(&m, "fuzz", NULL);
	round_trip(xml, size, &m);
	domain_meta_fini(&m);
	return 0;
}
