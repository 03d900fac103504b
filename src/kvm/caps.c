#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "core/file.h"
#include "core/jsonl.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/str.h"
#include "kvm/caps.h"
#include "kvm/probe.h"
#include "kvm/qemu_log.h"

#define ASK_TIMEOUT_MS 10000
#define CACHE_MAX (4u << 20) /* bytes; QEMU 7.2's is 60 KiB */
#define NAMES_MAX \
	20000 /* devices, CPU models, commands: the largest list today has under 1,000 \
	       */

/* --- finding the binary --- */

/* Distributions put QEMU in different places under different names. A document that another host wrote names a program
 * that is not here; the machine, which <os> names, is the same. */
static bool elsewhere(const char *binary, const char *program)
{
	static const char *const names[] = {"qemu-kvm", "kvm", "kvm-spice", "qemu"};
	const char *base = strrchr(binary, '/');
	if (base == NULL || access(binary, F_OK) == 0 || errno != ENOENT)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(base + 1, names[i]) == 0)
			return true;
	return strcmp(base + 1, program) == 0;
}

static char *find_binary(const char *binary, const char *arch, struct err *err)
{
	CLEANUP_FREE char *found = NULL;
	CLEANUP_FREE char *program =
	    xasprintf("qemu-system-%s", str_eq(arch, "i686") ? "i386" : arch);
	bool x86 = str_eq(arch, "x86_64") || str_eq(arch, "i686");
	if (binary != NULL && elsewhere(binary, program)) {
		log_info("there is no '%s' on this host: its own QEMU is used", binary);
		binary = NULL;
	}
	if (binary == NULL && HVMUX_QEMU[0] != '\0')
		binary = HVMUX_QEMU;
	if (binary == NULL)
		found = file_find_program(program);
	else
		found = binary[0] == '/' ? xstrdup(binary) : file_find_program(binary);
	/* Where Red Hat's distributions put it. */
	if (found == NULL && binary == NULL && access("/usr/libexec/qemu-kvm", X_OK) == 0)
		found = xstrdup("/usr/libexec/qemu-kvm");
	if (found == NULL) {
		err_set(err, ERR_NOT_FOUND,
		    "no '%s' in PATH: install QEMU (%s) or name it in <emulator>",
		    binary == NULL ? program : binary,
		    x86 ? "Debian: qemu-system-x86, Fedora: qemu-system-x86-core"
		        : "Debian: qemu-system, Fedora: qemu");
		return NULL;
	}
	char *real = realpath(found, NULL);
	if (real == NULL)
		err_errno(err, errno,
		    "cannot use the emulator '%s' (leave <emulator> out to take the host's own)",
		    found);
	return real;
}

/* --- asking --- */

static char **names_of(struct json_object *list, const char *key, size_t *n)
{
	size_t len = list == NULL ? 0 : json_object_array_length(list);
	char **names = xcalloc((len < NAMES_MAX ? len : NAMES_MAX) + 1, sizeof(*names));
	*n = 0;
	for (size_t i = 0; i < len && *n < NAMES_MAX; i++) {
		const char *s = json_get_str(json_object_array_get_idx(list, i), key);
		if (s != NULL)
			names[(*n)++] = xstrdup(s);
	}
	return names;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void take_names(struct json_object *list, char ***names, size_t *n)
{
	*names = names_of(list, "name", n);
	qsort(*names, *n, sizeof(**names), compare_names);
}

static void take_machines(struct json_object *list, struct caps *c)
{
	size_t len = list == NULL ? 0 : json_object_array_length(list);
	c->machines = xcalloc(len + 1, sizeof(*c->machines));
	for (size_t i = 0; i < len; i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		const char *name = json_get_str(o, "name");
		int64_t cpus = json_get_int(o, "cpu-max", 1);
		if (name == NULL)
			continue;
		c->machines[c->n_machines++] = (struct caps_machine){
		    .name = xstrdup(name),
		    .alias = xstrdup0(json_get_str(o, "alias")),
		    .cpus_max = cpus < 1 || cpus > 65536 ? 1 : (unsigned)cpus,
		};
	}
}

static unsigned version_part(struct json_object *v, const char *key)
{
	int64_t n = json_get_int(v, key, 0);
	return n < 0 || n > 99 ? 0 : (unsigned)n;
}

static void take_version(struct json_object *o, struct caps *c)
{
	struct json_object *v = o == NULL ? NULL : json_get_obj(o, "qemu");
	const char *package = o == NULL ? NULL : json_get_str(o, "package");
	if (v != NULL)
		c->version = version_part(v, "major") * 10000 + version_part(v, "minor") * 100 +
		             version_part(v, "micro");
	c->package = xstrdup(package == NULL ? "" : package);
}

static bool knows_option(struct json_object *list, const char *option)
{
	size_t len = list == NULL ? 0 : json_object_array_length(list);
	for (size_t i = 0; i < len; i++)
		if (str_eq(json_get_str(json_object_array_get_idx(list, i), "option"), option))
			return true;
	return false;
}

enum {
	Q_VERSION,
	Q_TARGET,
	Q_DEVICES,
	Q_MACHINES,
	Q_CPUS,
	Q_COMMANDS,
	Q_KVM,
	Q_OPTIONS,
	Q_CPU_64,
	Q_CPU_32,
	Q_COUNT
};

static const struct probe_question questions[Q_COUNT] = {
    [Q_VERSION] = {"query-version", NULL},
    [Q_TARGET] = {"query-target", NULL},
    [Q_DEVICES] = {"qom-list-types", "{\"implements\":\"device\",\"abstract\":false}"},
    [Q_MACHINES] = {"query-machines", NULL},
    [Q_CPUS] = {"query-cpu-definitions", NULL},
    [Q_COMMANDS] = {"query-commands", NULL},
    [Q_KVM] = {"query-kvm", NULL},
    [Q_OPTIONS] = {"query-command-line-options", NULL},
    /* One of them, by target. */
    [Q_CPU_64] = {"device-list-properties", "{\"typename\":\"max-x86_64-cpu\"}"},
    [Q_CPU_32] = {"device-list-properties", "{\"typename\":\"max-i386-cpu\"}"},
};

static struct json_object *as_array(struct json_object *o)
{
	return json_object_is_type(o, json_type_array) ? o : NULL;
}

static void take_answers(struct json_object **a, const char *binary, struct caps *c)
{
	const char *target = a[Q_TARGET] == NULL ? NULL : json_get_str(a[Q_TARGET], "arch");
	c->binary = xstrdup(binary);
	c->target = xstrdup(target == NULL ? "" : target);
	take_version(a[Q_VERSION], c);
	take_names(as_array(a[Q_DEVICES]), &c->devices, &c->n_devices);
	take_names(as_array(a[Q_CPUS]), &c->cpus, &c->n_cpus);
	take_names(as_array(a[Q_CPU_64] != NULL ? a[Q_CPU_64] : a[Q_CPU_32]), &c->cpu_features,
	    &c->n_cpu_features);
	take_names(as_array(a[Q_COMMANDS]), &c->commands, &c->n_commands);
	take_machines(as_array(a[Q_MACHINES]), c);
	c->kvm_built = a[Q_KVM] != NULL && json_get_bool(a[Q_KVM], "present", 0);
	c->sandbox = knows_option(as_array(a[Q_OPTIONS]), "sandbox");
}

static int ask_qemu(const char *binary, struct caps *c, struct err *err)
{
	const char *const argv[] = {binary, "-machine", "none", "-nodefaults", "-no-user-config",
	    "-display", "none", "-S", NULL};
	struct json_object *answers[Q_COUNT];
	CLEANUP_BUF struct buf words = BUF_INIT;
	struct err why = {0};
	if (probe_run(argv, questions, Q_COUNT, ASK_TIMEOUT_MS, answers, &words, &why) < 0) {
		CLEANUP_FREE char *text =
		    qemu_log_words_of(words.data == NULL ? "" : words.data, words.len);
		return err_set(err, ERR_FAIL,
		    "cannot learn what the emulator can do: %s: is it a QEMU?%s%s", why.msg,
		    text[0] == '\0' ? "" : " It said: ", text);
	}
	take_answers(answers, binary, c);
	for (size_t i = 0; i < Q_COUNT; i++)
		json_object_put(answers[i]);
	return 0;
}

/* --- the cache --- */

static uint64_t hash(const char *s)
{
	uint64_t h = 0xcbf29ce484222325u; /* FNV-1a */
	for (; *s != '\0'; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3u;
	return h;
}

/* One file per state of the binary: an upgrade makes another name. */
static char *cache_path(const struct home *h, const char *binary, const struct stat *st)
{
	CLEANUP_FREE char *key = xasprintf("2 %s %jd %jd.%09ld %ju %ju", binary,
	    (intmax_t)st->st_size, (intmax_t)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
	    (uintmax_t)st->st_ino, (uintmax_t)st->st_dev);
	char name[32];
	snprintf(name, sizeof(name), "%016" PRIx64 ".json", hash(key));
	return home_data_file(h, "caps", name);
}

static bool read_cache(const char *path, const char *binary, struct caps *c)
{
	CLEANUP_BUF struct buf text = BUF_INIT;
	if (file_read(path, CACHE_MAX, &text, NULL) < 0 || text.data == NULL)
		return false;
	if (caps_parse(text.data, text.len, c, NULL) < 0)
		return false;
	if (str_eq(c->binary, binary))
		return true;
	caps_fini(c);
	return false;
}

/* A cache that cannot be written costs time, nothing else. */
static void write_cache(const struct home *h, const char *path, const struct caps *c)
{
	struct err err;
	CLEANUP_FREE char *dir = home_data_file(h, "caps", ".");
	CLEANUP_FREE char *text = caps_format(c);
	if (home_mkdir(h, dir, &err) < 0 ||
	    file_write_atomic(path, text, strlen(text), 0600, &err) < 0)
		log_warn("%s", err.msg);
}

int caps_get(
    const struct home *h, const char *binary, const char *arch, struct caps *c, struct err *err)
{
	struct stat st;
	memset(c, 0, sizeof(*c));
	CLEANUP_FREE char *real = find_binary(binary, arch == NULL ? "x86_64" : arch, err);
	if (real == NULL)
		return -1;
	if (stat(real, &st) < 0)
		return err_errno(err, errno, "cannot use the emulator '%s'", real);
	CLEANUP_FREE char *path = cache_path(h, real, &st);
	if (!read_cache(path, real, c)) {
		memset(c, 0, sizeof(*c));
		if (ask_qemu(real, c, err) < 0)
			return -1;
		write_cache(h, path, c);
	}
	if (c->version >= CAPS_QEMU_OLDEST)
		return 0;
	err_set(err, ERR_UNSUPPORTED, "'%s' is QEMU %u.%u.%u: hvmux needs %u.%u or newer", real,
	    c->version / 10000, c->version / 100 % 100, c->version % 100, CAPS_QEMU_OLDEST / 10000,
	    CAPS_QEMU_OLDEST / 100 % 100);
	caps_fini(c);
	return -1;
}
