#include "kvm/option.h"

#include <stdlib.h>
#include <string.h>
#include <json-c/json.h>

#include "core/buf.h"
#include "core/mem.h"
#include "core/str.h"

static void add_pair(struct option *o, char *key, char *value)
{
	o->pair = xreallocarray(o->pair, o->n + 1, sizeof(*o->pair));
	o->pair[o->n++] = (struct option_pair){key, value};
}

/* --- plain --- */

/* Up to the next comma that is not doubled; a doubled one is one of the value. */
static const char *take_value(const char *p, struct buf *value)
{
	for (; *p != '\0' && (p[0] != ',' || p[1] == ','); p++) {
		buf_addc(value, *p);
		p += p[0] == ',';
	}
	return *p == ',' ? p + 1 : p;
}

static void parse_plain(const char *p, struct option *o)
{
	while (*p != '\0') {
		size_t n = strcspn(p, "=,");
		struct buf value = BUF_INIT;
		char *key = p[n] == '=' ? xstrndup(p, n) : NULL;
		p = take_value(key != NULL ? p + n + 1 : p, &value);
		add_pair(o, key, buf_take(&value));
	}
}

static char *format_plain(const struct option *o)
{
	struct buf out = BUF_INIT;
	for (size_t i = 0; i < o->n; i++) {
		if (i > 0)
			buf_addc(&out, ',');
		if (o->pair[i].key != NULL)
			buf_addf(&out, "%s=", o->pair[i].key);
		for (const char *v = o->pair[i].value; *v != '\0'; v++) {
			buf_addc(&out, *v);
			if (*v == ',')
				buf_addc(&out, ',');
		}
	}
	return buf_take(&out);
}

/* --- JSON --- */

/* Strings, numbers and booleans as pairs, for reading; the tree is what is written. */
static void flatten(struct option *o, struct json_object *from, const char *prefix)
{
	struct json_object_iterator it = json_object_iter_begin(from),
	                            end = json_object_iter_end(from);
	for (; !json_object_iter_equal(&it, &end); json_object_iter_next(&it)) {
		struct json_object *v = json_object_iter_peek_value(&it);
		char *key = xasprintf("%s%s", prefix, json_object_iter_peek_name(&it));
		if (json_object_is_type(v, json_type_object)) {
			CLEANUP_FREE char *deeper = xasprintf("%s.", key);
			flatten(o, v, deeper);
			free(key);
		} else if (json_object_is_type(v, json_type_boolean)) {
			add_pair(o, key, xstrdup(json_object_get_boolean(v) ? "on" : "off"));
		} else {
			add_pair(o, key, xstrdup(v == NULL ? "" : json_object_get_string(v)));
		}
	}
}

static void set_in_tree(struct json_object *at, const char *key, const char *value)
{
	for (const char *dot; (dot = strchr(key, '.')) != NULL; key = dot + 1) {
		CLEANUP_FREE char *name = xstrndup(key, (size_t)(dot - key));
		struct json_object *next;
		if (!json_object_object_get_ex(at, name, &next) ||
		    !json_object_is_type(next, json_type_object)) {
			next = json_object_new_object();
			json_object_object_add(at, name, next);
		}
		at = next;
	}
	json_object_object_add(at, key, json_object_new_string(value));
}

/* --- both --- */

bool option_parse(const char *text, struct option *o)
{
	*o = (struct option){.json = text[0] == '{'};
	if (!o->json) {
		parse_plain(text, o);
		return true;
	}
	o->tree = json_tokener_parse(text);
	if (!json_object_is_type(o->tree, json_type_object)) {
		json_object_put(o->tree);
		*o = (struct option){0};
		return false;
	}
	flatten(o, o->tree, "");
	return true;
}

void option_fini(struct option *o)
{
	for (size_t i = 0; i < o->n; i++) {
		free(o->pair[i].key);
		free(o->pair[i].value);
	}
	free(o->pair);
	json_object_put(o->tree);
	*o = (struct option){0};
}

const char *option_get(const struct option *o, const char *key)
{
	for (size_t i = 0; i < o->n; i++)
		if (str_eq(o->pair[i].key, key))
			return o->pair[i].value;
	return NULL;
}

bool option_is(const struct option *o, const char *key, const char *value)
{
	return str_eq(option_get(o, key), value);
}

void option_set(struct option *o, const char *key, const char *value)
{
	if (o->json)
		set_in_tree(o->tree, key, value);
	for (size_t i = 0; i < o->n; i++)
		if (str_eq(o->pair[i].key, key)) {
			free(o->pair[i].value);
			o->pair[i].value = xstrdup(value);
			return;
		}
	add_pair(o, xstrdup(key), xstrdup(value));
}

char *option_format(const struct option *o)
{
	if (!o->json)
		return format_plain(o);
	return xstrdup(json_object_to_json_string_ext(
	    o->tree, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
}
