#include "kvm/agent_wire.h"

#include <string.h>

#include "core/mem.h"
#include "core/str.h"

#define MARK 0xff

void agent_wire_init(struct agent_wire *w)
{
	memset(w, 0, sizeof(*w));
}

void agent_wire_fini(struct agent_wire *w)
{
	buf_fini(&w->line);
}

void agent_wire_reset(struct agent_wire *w)
{
	buf_fini(&w->line); /* what a flood has grown goes back */
	w->skipping = w->marked = false;
}

/* Counted before json-c allocates: an array of 200,000 empty arrays is 400 KiB here and 60 MiB there. NULL: good. */
static const char *too_rich(const char *s, size_t n)
{
	size_t depth = 0, values = 0;
	bool quoted = false;
	for (size_t i = 0; i < n; i++) {
		if (quoted) {
			if (s[i] == '\\')
				i++;
			else
				quoted = s[i] != '"';
			continue;
		}
		switch (s[i]) {
		case '"':
			quoted = true;
			break;
		case '{':
		case '[':
			depth++;
			values++;
			break;
		case '}':
		case ']':
			depth -= depth > 0;
			break;
		case ',':
			values++;
			break;
		default:
			break;
		}
		if (depth > AGENT_DEPTH_MAX)
			return "is nested too deeply";
		if (values > AGENT_VALUES_MAX)
			return "holds too many values";
	}
	return NULL;
}

static struct json_object *parse(const char *s, size_t n, const char **why)
{
	*why = str_utf8_valid(s, n) ? too_rich(s, n) : "is not UTF-8";
	if (*why != NULL)
		return NULL;
	struct json_tokener *tok = json_tokener_new_ex(AGENT_DEPTH_MAX + 2);
	struct json_object *o = tok == NULL ? NULL : json_tokener_parse_ex(tok, s, (int)n);
	bool whole = tok != NULL && json_tokener_get_error(tok) == json_tokener_success &&
	             json_tokener_get_parse_end(tok) == n;
	json_tokener_free(tok);
	if (whole && json_object_is_type(o, json_type_object))
		return o;
	json_object_put(o);
	*why = "is not a JSON object";
	return NULL;
}

static bool end_line(struct agent_wire *w, const struct agent_wire_ops *ops, void *arg)
{
	CLEANUP_BUF struct buf line = w->line;
	bool marked = w->marked, skipped = w->skipping, more;
	const char *why = "is over the size limit";
	w->line = BUF_INIT;
	w->skipping = false;
	while (line.len > 0 && (line.data[line.len - 1] == '\r' || line.data[line.len - 1] == ' '))
		line.len--;
	if (line.len == 0 && !skipped)
		return true;
	w->marked = false;
	struct json_object *o = skipped ? NULL : parse(line.data, line.len, &why);
	more = o == NULL ? ops->rubbish(arg, why) : ops->message(arg, o, marked);
	json_object_put(o);
	return more;
}

static void add(struct agent_wire *w, const char *data, size_t n)
{
	if (w->skipping || w->line.len + n > AGENT_MESSAGE_MAX) {
		w->skipping = true;
		buf_fini(&w->line);
	} else {
		buf_add(&w->line, data, n);
	}
}

/* The bytes before the next line end or mark. */
static size_t plain_length(const char *data, size_t n)
{
	const char *nl = memchr(data, '\n', n);
	n = nl == NULL ? n : (size_t)(nl - data);
	const char *mark = memchr(data, MARK, n);
	return mark == NULL ? n : (size_t)(mark - data);
}

void agent_wire_feed(
    struct agent_wire *w, const char *data, size_t n, const struct agent_wire_ops *ops, void *arg)
{
	while (n > 0) {
		size_t k = plain_length(data, n);
		if (k > 0)
			add(w, data, k);
		data += k;
		n -= k;
		if (n == 0)
			return;
		bool mark = (unsigned char)*data == MARK;
		data++;
		n--;
		if (mark) {
			buf_clear(&w->line);
			w->skipping = false;
			w->marked = true;
		} else if (!end_line(w, ops, arg)) {
			return;
		}
	}
}
