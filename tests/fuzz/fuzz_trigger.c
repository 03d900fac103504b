/* Console bytes against triggers, and patterns from anywhere: the first line of the input is one more pattern, the rest is
 * what a guest says, in cuts that its bytes choose. What is told of it is short, printable, without control characters. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "serial/trigger.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool on_match(void *arg, unsigned rule, const char *line)
{
	size_t n = strlen(line);

	if (rule >= trigger_set_count(arg) || n > TRIGGER_LINE_MAX || !str_utf8_valid(line, n))
		abort();
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			abort();
	return n % 2 != 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nl = size ? memchr(data, '\n', size) : NULL;
	size_t head = nl ? (size_t)(nl - data) : 0;
	CLEANUP_FREE char *pattern = xstrndup((const char *)data, head);
	const struct trigger_rule rule = {.name = "fuzz", .pattern = pattern, .once = head % 2};
	struct trigger_set *set = trigger_set_new();
	struct err err = {0};

	for (unsigned i = 0; i < trigger_n_defaults; i++)
		trigger_set_add(set, &trigger_defaults[i], NULL);
	if (trigger_set_add(set, &rule, &err) < 0 && !err.msg[0])
		abort();
	struct trigger_watch *w = trigger_watch_new(set, "serial0", on_match, set);
	for (size_t at = head; at < size;) {
		size_t n = 1 + (size_t)data[at] * (data[at] % 5);

		n = n < size - at ? n : size - at;
		if (trigger_watch_feed(w, data + at, n) && data[at] % 3 == 0)
			trigger_watch_pause(w);
		at += n;
	}
	trigger_watch_pause(w);
	trigger_watch_free(w);
	trigger_set_free(set);
	return 0;
}
