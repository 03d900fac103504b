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
#define CACHE_MAX (4u << 20) /* bytes; QEMU 7.2's is 40 KiB */

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

static void add_names(struct buf *text, const char *word, struct json_object *list)
{
	size_t len = list == NULL ? 0 : json_object_array_length(list), n = 0;
	CLEANUP_FREE const char **names = xcalloc(len + 1, sizeof(*names));
	for (size_t i = 0; i < len; i++) {
		const char *s = json_get_str(json_object_array_get_idx(list, i), "name");
		if (s != NULL)
			names[n++] = s;
	}
	caps_add_names(text, word, names, n);
}

static void add_machines(struct buf *text, struct json_object *list)
{
	size_t len = list == NULL ? 0 : json_object_array_length(list), n = 0;
	CLEANUP_FREE struct caps_machine *machines = xcalloc(len + 1, sizeof(*machines));
	for (size_t i = 0; i < len; i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		const char *name = json_get_str(o, "name");
		int64_t cpus = json_get_int(o, "cpu-max", 1);
		if (name == NULL)
			continue;
		machines[n++] = (struct caps_machine){
		    .name = name,
		    .alias = json_get_str(o, "alias"),
		    .cpus_max = cpus < 1 || cpus > 65536 ? 1 : (unsigned)cpus,
		};
	}
	caps_add_machines(text, machines, n);
}

static unsigned version_part(struct json_object *v, const char *key)
{
	int64_t n = json_get_int(v, key, 0);
	return n < 0 || n > 99 ? 0 : (unsigned)n;
}

static unsigned version_number(struct json_object *v)
{
	return v == NULL ? 0
	                 : version_part(v, "major") * 10000 + version_part(v, "minor") * 100 +
	                       version_part(v, "micro");
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

static const char *or_none(const char *s)
{
	return s == NULL ? "" : s;
}

static void add_answers(struct buf *text, struct json_object **a, const char *binary)
{
	struct json_object *version = a[Q_VERSION], *kvm = a[Q_KVM];
	bool built = kvm != NULL && json_get_bool(kvm, "present", 0);
	buf_adds(text, CAPS_TEXT_HEAD);
	caps_add_value(text, "binary", binary);
	caps_add_value(text, "target",
	    or_none(a[Q_TARGET] == NULL ? NULL : json_get_str(a[Q_TARGET], "arch")));
	buf_addf(text, "version %u\n",
	    version_number(version == NULL ? NULL : json_get_obj(version, "qemu")));
	caps_add_value(
	    text, "package", or_none(version == NULL ? NULL : json_get_str(version, "package")));
	buf_addf(text, "kvm_built %d\nsandbox %d\n", built,
	    knows_option(as_array(a[Q_OPTIONS]), "sandbox"));
	add_machines(text, as_array(a[Q_MACHINES]));
	add_names(text, "devices", as_array(a[Q_DEVICES]));
	add_names(text, "cpus", as_array(a[Q_CPUS]));
	add_names(text, "cpu_features", as_array(a[Q_CPU_64] != NULL ? a[Q_CPU_64] : a[Q_CPU_32]));
	add_names(text, "commands", as_array(a[Q_COMMANDS]));
}

/* The text of what it says. */
static int ask_qemu(const char *binary, struct buf *out, struct err *err)
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
	add_answers(out, answers, binary);
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
	CLEANUP_FREE char *key = xasprintf("%s %jd %jd.%09ld %ju %ju", binary,
	    (intmax_t)st->st_size, (intmax_t)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
	    (uintmax_t)st->st_ino, (uintmax_t)st->st_dev);
	char name[32];
	snprintf(name, sizeof(name), "%016" PRIx64 ".caps", hash(key));
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
static void write_cache(const struct home *h, const char *path, const struct buf *text)
{
	struct err err;
	CLEANUP_FREE char *dir = home_data_file(h, "caps", ".");
	if (home_mkdir(h, dir, &err) < 0 ||
	    file_write_atomic(path, text->data, text->len, 0600, &err) < 0)
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
		CLEANUP_BUF struct buf text = BUF_INIT;
		if (ask_qemu(real, &text, err) < 0 || caps_parse(text.data, text.len, c, err) < 0)
			return -1;
		write_cache(h, path, &text);
	}
	if (c->version >= CAPS_QEMU_OLDEST)
		return 0;
	err_set(err, ERR_UNSUPPORTED, "'%s' is QEMU %u.%u.%u: hvmux needs %u.%u or newer", real,
	    c->version / 10000, c->version / 100 % 100, c->version % 100, CAPS_QEMU_OLDEST / 10000,
	    CAPS_QEMU_OLDEST / 100 % 100);
	caps_fini(c);
	return -1;
}
