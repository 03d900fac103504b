/* QEMU's options and their values taken apart. */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "kvm/native_impl.h"

#define JSON_DEPTH_MAX 16

/* Options without a value; all others have one. */
static const char *const flags[] = {"S", "daemonize", "enable-kvm", "full-screen", "fullscreen",
    "help", "h", "version", "nodefaults", "no-user-config", "nodefconfig", "no-acpi", "no-hpet",
    "no-fd-bootchk", "no-reboot", "no-shutdown", "nographic", "curses", "sdl", "usb", "snapshot",
    "s", "old-param", "portrait", "alt-grab", "ctrl-grab", "no-frame", "no-quit", "win2k-hack",
    "singlestep", "enable-fips", "mem-prealloc", "xen-attach", "no-kvm", "preconfig",
    "no-kvm-irqchip", "no-kvm-pit", "only-migratable", "enable-sync-profile", "xen-domid-restrict"};

/* Of values of the form "first,key=value": what the first is; "" every part has a key; NULL (not
 * here): the value is not split. */
static const struct {
	const char *option, *first;
} splits[] = {{"machine", "type"}, {"M", "type"}, {"accel", "accel"}, {"cpu", "model"},
    {"smp", "cpus"}, {"m", "size"}, {"device", "driver"}, {"drive", ""}, {"blockdev", "driver"},
    {"netdev", "type"}, {"nic", "type"}, {"net", "type"}, {"chardev", "backend"},
    {"mon", "chardev"}, {"object", "qom-type"}, {"numa", "type"}, {"name", "guest"},
    {"boot", "order"}, {"rtc", "base"}, {"vnc", "vnc"}, {"spice", ""}, {"display", "type"},
    {"audiodev", "driver"}, {"tpmdev", "type"}, {"fsdev", "fsdriver"}, {"virtfs", "fsdriver"},
    {"smbios", ""}, {"sandbox", "enable"}, {"msg", ""}, {"overcommit", ""}, {"action", ""},
    {"iscsi", ""}, {"set", ""}, {"realtime", ""}, {"watchdog-action", "action"},
    {"icount", "shift"}};

static bool is_flag(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		if (strcmp(flags[i], name) == 0)
			return true;
	return false;
}

static const char *split_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(splits); i++)
		if (strcmp(splits[i].option, name) == 0)
			return splits[i].first;
	return NULL;
}

static void add_key(struct nat_opt *o, char *key, char *value)
{
	if ((o->n_keys & (o->n_keys - 1)) == 0)
		o->keys =
		    xreallocarray(o->keys, o->n_keys == 0 ? 1 : o->n_keys * 2, sizeof *o->keys);
	o->keys[o->n_keys++] = (struct nat_key){key, value, false};
}

/* One part up to a single comma, with ",," as a comma. */
static char *next_part(const char **s)
{
	struct buf part = BUF_INIT;
	for (; **s != '\0'; (*s)++) {
		if (**s == ',' && (*s)[1] == ',')
			(*s)++;
		else if (**s == ',')
			break;
		buf_addc(&part, **s);
	}
	*s += **s == ',';
	return buf_take(&part);
}

static void split_keys(struct nat_opt *o, const char *first)
{
	for (const char *s = o->value; *s != '\0'; first = "") {
		CLEANUP_FREE char *part = next_part(&s);
		char *equals = strchr(part, '=');
		if (equals == NULL && first[0] != '\0')
			add_key(o, xstrdup(first), xstrdup(part));
		else if (equals == NULL)
			add_key(o, xstrdup(part), xstrdup("on"));
		else
			add_key(o, xstrndup(part, (size_t)(equals - part)), xstrdup(equals + 1));
	}
}

static void flatten(struct nat_opt *o, const char *prefix, struct json_object *v, unsigned depth)
{
	if (depth > JSON_DEPTH_MAX)
		return;
	if (json_object_is_type(v, json_type_object)) {
		json_object_object_foreach(v, key, member)
		{
			char *path =
			    prefix[0] != '\0' ? xasprintf("%s.%s", prefix, key) : xstrdup(key);
			flatten(o, path, member, depth + 1);
			free(path);
		}
	} else if (json_object_is_type(v, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(v); i++) {
			CLEANUP_FREE char *path = xasprintf("%s.%zu", prefix, i);
			flatten(o, path, json_object_array_get_idx(v, i), depth + 1);
		}
	} else if (json_object_is_type(v, json_type_boolean)) {
		add_key(o, xstrdup(prefix), xstrdup(json_object_get_boolean(v) ? "on" : "off"));
	} else {
		const char *text = v != NULL ? json_object_get_string(v) : "";
		add_key(o, xstrdup(prefix), xstrdup(text));
	}
}

static void read_json(struct nat_opt *o)
{
	struct json_object *v = json_tokener_parse(o->value);
	if (json_object_is_type(v, json_type_object))
		flatten(o, "", v, 0);
	json_object_put(v);
}

void nat_opt_init(struct nat_opt *o, const char *name, const char *value)
{
	*o = (struct nat_opt){.name = xstrdup(name), .value = xstrdup0(value)};
	const char *first = split_of(name);
	if (value == NULL || first == NULL)
		return;
	if (value[0] == '{')
		read_json(o);
	else
		split_keys(o, first);
}

void nat_opt_fini(struct nat_opt *o)
{
	for (size_t i = 0; i < o->n_keys; i++) {
		free(o->keys[i].key);
		free(o->keys[i].value);
	}
	free(o->keys);
	free(o->name);
	free(o->value);
}

void nat_opts_read(struct nat_opts *l, char *const *words, size_t n)
{
	*l = (struct nat_opts){0};
	l->o = xcalloc(n + 1, sizeof *l->o);
	l->loose = xcalloc(n + 1, sizeof *l->loose);
	for (size_t i = 0; i < n; i++) {
		const char *name = words[i];
		if (name[0] != '-' || name[1] == '\0') {
			l->loose[l->n_loose++] = xstrdup(name);
			continue;
		}
		name += name[1] == '-' ? 2 : 1;
		bool value = !is_flag(name) && i + 1 < n;
		nat_opt_init(&l->o[l->n++], name, value ? words[i + 1] : NULL);
		i += value;
	}
}

void nat_opts_fini(struct nat_opts *l)
{
	for (size_t i = 0; i < l->n; i++)
		nat_opt_fini(&l->o[i]);
	for (size_t i = 0; i < l->n_loose; i++)
		free(l->loose[i]);
	free(l->o);
	free(l->loose);
	*l = (struct nat_opts){0};
}

/* --- keys --- */
const char *nat_take(struct nat_opt *o, const char *key)
{
	const char *value = NULL;
	for (size_t i = 0; i < o->n_keys; i++)
		if (strcmp(o->keys[i].key, key) == 0) {
			o->keys[i].taken = true;
			value = o->keys[i].value;
		}
	return value;
}

const char *nat_get(const struct nat_opt *o, const char *key)
{
	const char *value = NULL;
	for (size_t i = 0; i < o->n_keys; i++)
		if (strcmp(o->keys[i].key, key) == 0)
			value = o->keys[i].value;
	return value;
}

static bool in_list(const char *words, const char *word)
{
	size_t n = strlen(word);
	for (const char *s = words; *s != '\0'; s += strcspn(s, " ")) {
		s += strspn(s, " ");
		if (strcspn(s, " ") == n && memcmp(s, word, n) == 0)
			return true;
	}
	return false;
}

void nat_ignore(struct nat_opt *o, const char *key, const char *words)
{
	const char *value = nat_get(o, key);
	if (value != NULL && (words == NULL || in_list(words, value)))
		nat_take(o, key);
}

bool nat_is_on(const char *v)
{
	return str_eq(v, "on") || str_eq(v, "yes") || str_eq(v, "true") || str_eq(v, "y");
}

bool nat_is_off(const char *v)
{
	return str_eq(v, "off") || str_eq(v, "no") || str_eq(v, "false") || str_eq(v, "n");
}

bool nat_all_taken(const struct nat_opt *o, const char **left)
{
	for (size_t i = 0; i < o->n_keys; i++)
		if (!o->keys[i].taken) {
			*left = o->keys[i].key;
			return false;
		}
	return true;
}
