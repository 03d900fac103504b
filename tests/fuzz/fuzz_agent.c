/* Bytes from a guest's agent: cut into messages in pieces of a size that the first byte gives, taken as answers of every kind,
 * and put into the lines of the status page. What comes out is printable and bounded. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"
#include "kvm/agent_facts.h"
#include "kvm/agent_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *s, size_t max)
{
	CLEANUP_FREE char *shown = str_printable(s, strlen(s), SIZE_MAX);
	if (strlen(s) > max || strcmp(shown, s) != 0)
		abort();
}

static void check_value(struct json_object *v)
{
	if (json_object_is_type(v, json_type_string))
		check_text(json_object_get_string(v), AGENT_FACT_TEXT);
	if (json_object_is_type(v, json_type_array))
		for (size_t i = 0; i < json_object_array_length(v); i++)
			check_value(json_object_array_get_idx(v, i));
	if (!json_object_is_type(v, json_type_object))
		return;
	struct json_object_iterator at = json_object_iter_begin(v), end = json_object_iter_end(v);
	for (; !json_object_iter_equal(&at, &end); json_object_iter_next(&at))
		check_value(json_object_iter_peek_value(&at));
}

static bool message(void *arg, struct json_object *msg, bool marked)
{
	static const char *const macs[] = {"52:54:00:00:00:01"};
	struct json_object *answer = NULL;
	char line[160];
	(void)arg, (void)marked;
	json_object_object_get_ex(msg, "return", &answer);
	for (unsigned f = 0; f < FACT_COUNT; f++) {
		struct json_object *clean = agent_fact_clean((enum agent_fact)f, answer);
		check_value(clean);
		agent_fact_address(clean, macs, 1, line, sizeof(line));
		check_text(line, sizeof(line));
		agent_fact_users(clean, line, sizeof(line));
		check_text(line, sizeof(line));
		agent_fact_filesystems(clean, line, sizeof(line));
		check_text(line, sizeof(line));
		json_object_put(clean);
	}
	return true;
}

static bool rubbish(void *arg, const char *why)
{
	(void)arg;
	return why != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct agent_wire_ops ops = {message, rubbish};
	struct agent_wire w;
	size_t piece = size > 0 && data[0] > 0 ? data[0] : 256;
	agent_wire_init(&w);
	for (size_t at = 1; at < size; at += piece)
		agent_wire_feed(
		    &w, (const char *)data + at, size - at < piece ? size - at : piece, &ops, NULL);
	agent_wire_fini(&w);
	return 0;
}
