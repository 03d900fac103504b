/* Capabilities as JSON text, and the questions asked of them. Everything here is pure: caps.c asks
 * QEMU and keeps the cache. */
#include "kvm/caps.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"

#define CAPS_JSON_FORMAT 1   /* of the cached text: another number is asked for anew */
#define CAPS_JSON_DEPTH 8    /* ours nests three deep */
#define CAPS_NAMES_MAX 16384 /* QEMU 9 lists some 1,100 devices and 400 commands */

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool has_name(char *const *names, size_t n, const char *name)
{
	return name != NULL && n > 0 &&
	       bsearch(&name, names, n, sizeof names[0], compare_names) != NULL;
}

bool caps_has_device(const struct caps *c, const char *name)
{
	return has_name(c->devices, c->n_devices, name);
}

bool caps_has_cpu(const struct caps *c, const char *name)
{
	return has_name(c->cpus, c->n_cpus, name);
}

bool caps_has_cpu_feature(const struct caps *c, const char *name)
{
	return has_name(c->cpu_features, c->n_cpu_features, name);
}

bool caps_has_command(const struct caps *c, const char *name)
{
	return has_name(c->commands, c->n_commands, name);
}

const struct caps_machine *caps_machine(const struct caps *c, const char *name_or_alias)
{
	if (name_or_alias == NULL)
		return NULL;
	for (size_t i = 0; i < c->n_machines; i++) {
		const struct caps_machine *m = &c->machines[i];
		if (strcmp(m->name, name_or_alias) == 0 || str_eq(m->alias, name_or_alias))
			return m;
	}
	return NULL;
}

static void free_names(char **names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

void caps_fini(struct caps *c)
{
	free(c->binary);
	free(c->target);
	free(c->package);
	free_names(c->devices, c->n_devices);
	free_names(c->cpus, c->n_cpus);
	free_names(c->cpu_features, c->n_cpu_features);
	free_names(c->commands, c->n_commands);
	for (size_t i = 0; i < c->n_machines; i++) {
		free(c->machines[i].name);
		free(c->machines[i].alias);
	}
	free(c->machines);
	*c = (struct caps){0};
}

/* --- reading --- */
static int parse_names(
    struct json_object *o, const char *key, char ***names, size_t *n, struct err *err)
{
	struct json_object *array = json_get_arr(o, key);
	if (array == NULL)
		return err_set(err, ERR_INVALID, "capabilities: no array \"%s\"", key);
	size_t len = json_object_array_length(array);
	if (len > CAPS_NAMES_MAX)
		return err_set(err, ERR_INVALID, "capabilities: \"%s\" has %zu entries", key, len);
	*names = xcalloc(len + 1, sizeof(char *));
	for (size_t i = 0; i < len; i++) {
		struct json_object *s = json_object_array_get_idx(array, i);
		if (!json_object_is_type(s, json_type_string))
			return err_set(
			    err, ERR_INVALID, "capabilities: \"%s\"[%zu] is no string", key, i);
		(*names)[(*n)++] = xstrdup(json_object_get_string(s));
	}
	if (*n > 0)
		qsort(*names, *n, sizeof(char *), compare_names);
	return 0;
}

static int parse_machines(struct json_object *o, struct caps *c, struct err *err)
{
	struct json_object *array = json_get_arr(o, "machines");
	size_t len = array != NULL ? json_object_array_length(array) : 0;
	if (len == 0 || len > CAPS_NAMES_MAX)
		return err_set(err, ERR_INVALID, "capabilities: no usable array \"machines\"");
	c->machines = xcalloc(len, sizeof *c->machines);
	for (size_t i = 0; i < len; i++) {
		struct json_object *m = json_object_array_get_idx(array, i);
		const char *name = json_get_str(m, "name");
		int64_t cpus = json_get_int(m, "cpus_max", 0);
		if (name == NULL || cpus < 1 || cpus > UINT32_MAX)
			return err_set(
			    err, ERR_INVALID, "capabilities: \"machines\"[%zu] is malformed", i);
		c->machines[c->n_machines++] = (struct caps_machine){
		    .name = xstrdup(name),
		    .alias = xstrdup0(json_get_str(m, "alias")),
		    .cpus_max = (unsigned)cpus,
		};
	}
	return 0;
}

static int parse_object(struct json_object *o, struct caps *c, struct err *err)
{
	if (json_get_int(o, "format", 0) != CAPS_JSON_FORMAT)
		return err_set(
		    err, ERR_INVALID, "capabilities: not of format %d", CAPS_JSON_FORMAT);
	const char *binary = json_get_str(o, "binary");
	const char *target = json_get_str(o, "target");
	const char *package = json_get_str(o, "package");
	int64_t version = json_get_int(o, "version", 0);
	if (binary == NULL || target == NULL || version < 1 || version > 99999999)
		return err_set(
		    err, ERR_INVALID, "capabilities: binary, target or version is missing");
	c->binary = xstrdup(binary);
	c->target = xstrdup(target);
	c->package = xstrdup(package != NULL ? package : "");
	c->version = (unsigned)version;
	c->kvm_built = json_get_bool(o, "kvm_built", 0) > 0;
	c->sandbox = json_get_bool(o, "sandbox", 0) > 0;
	if (parse_machines(o, c, err) < 0 ||
	    parse_names(o, "devices", &c->devices, &c->n_devices, err) < 0 ||
	    parse_names(o, "cpus", &c->cpus, &c->n_cpus, err) < 0 ||
	    parse_names(o, "commands", &c->commands, &c->n_commands, err) < 0)
		return -1;
	/* Not of every target. */
	if (json_get_arr(o, "cpu_features") == NULL)
		return 0;
	return parse_names(o, "cpu_features", &c->cpu_features, &c->n_cpu_features, err);
}

int caps_parse(const char *json, size_t n, struct caps *c, struct err *err)
{
	*c = (struct caps){0};
	if (n > INT32_MAX)
		return err_set(err, ERR_INVALID, "capabilities: %zu bytes", n);
	struct json_tokener *tok = json_tokener_new_ex(CAPS_JSON_DEPTH);
	if (tok == NULL)
		return err_set(err, ERR_FAIL, "capabilities: out of memory");
	struct json_object *o = json_tokener_parse_ex(tok, json, (int)n);
	enum json_tokener_error why = json_tokener_get_error(tok);
	json_tokener_free(tok);
	int rc = -1;
	if (o == NULL || !json_object_is_type(o, json_type_object))
		err_set(err, ERR_INVALID, "capabilities: not a JSON object: %s",
		    json_tokener_error_desc(why));
	else
		rc = parse_object(o, c, err);
	json_object_put(o);
	if (rc < 0)
		caps_fini(c);
	return rc;
}

/* --- writing --- */
static struct json_object *format_names(char *const *names, size_t n)
{
	struct json_object *array = json_object_new_array();
	for (size_t i = 0; i < n; i++)
		json_object_array_add(array, json_object_new_string(names[i]));
	return array;
}

static struct json_object *format_machines(const struct caps *c)
{
	struct json_object *array = json_object_new_array();
	for (size_t i = 0; i < c->n_machines; i++) {
		const struct caps_machine *m = &c->machines[i];
		struct json_object *o = json_object_new_object();
		json_object_object_add(o, "name", json_object_new_string(m->name));
		if (m->alias != NULL)
			json_object_object_add(o, "alias", json_object_new_string(m->alias));
		json_object_object_add(o, "cpus_max", json_object_new_int64(m->cpus_max));
		json_object_array_add(array, o);
	}
	return array;
}

char *caps_format(const struct caps *c)
{
	struct json_object *o = json_object_new_object();
	json_object_object_add(o, "format", json_object_new_int(CAPS_JSON_FORMAT));
	json_object_object_add(o, "binary", json_object_new_string(c->binary));
	json_object_object_add(o, "target", json_object_new_string(c->target));
	json_object_object_add(o, "version", json_object_new_int64(c->version));
	json_object_object_add(
	    o, "package", json_object_new_string(c->package != NULL ? c->package : ""));
	json_object_object_add(o, "kvm_built", json_object_new_boolean(c->kvm_built));
	json_object_object_add(o, "sandbox", json_object_new_boolean(c->sandbox));
	json_object_object_add(o, "machines", format_machines(c));
	json_object_object_add(o, "devices", format_names(c->devices, c->n_devices));
	json_object_object_add(o, "cpus", format_names(c->cpus, c->n_cpus));
	json_object_object_add(o, "cpu_features", format_names(c->cpu_features, c->n_cpu_features));
	json_object_object_add(o, "commands", format_names(c->commands, c->n_commands));
	char *text = xstrdup(json_object_to_json_string_ext(
	    o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
	return text;
}
