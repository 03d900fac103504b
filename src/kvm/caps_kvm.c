/* Is KVM usable here, and with which CPU model? Found by trying: /dev/kvm may open on hosts where
 * it serves nobody, and a model that this host's KVM refuses aborts QEMU. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/file.h"
#include "core/jsonl.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/str.h"
#include "kvm/caps.h"
#include "kvm/probe.h"

#define TRY_TIMEOUT_MS 10000
#define CPUINFO_MAX (16u << 20)
#define CACHE_MAX 8192
#define OR_TCG "or choose emulation with <domain type='qemu'>, which is slower"

/* Flags of the first CPU: a list of words between spaces. */
static bool cpu_has_flag(const char *flag)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	CLEANUP_FREE char *word = xasprintf(" %s ", flag);
	if (file_read("/proc/cpuinfo", CPUINFO_MAX, &b, NULL) < 0 || b.data == NULL)
		return false;
	char *line = strstr(b.data, "\nflags");
	if (line == NULL)
		return false;
	char *end = strchr(line + 1, '\n');
	if (end != NULL)
		*end = ' ';
	if (end != NULL)
		end[1] = '\0';
	return strstr(line, word) != NULL;
}

static void why_missing(struct caps_kvm *k)
{
	const char *hint =
	    "the kernel has no KVM, or its module is not loaded: modprobe kvm_intel (or kvm_amd)";
	if (!cpu_has_flag("vmx") && !cpu_has_flag("svm"))
		hint =
		    "the CPU shows no vmx or svm: switch virtualisation on in the firmware's set-up, or, if "
		    "this host is a virtual machine itself, nested virtualisation on its own host";
	snprintf(
	    k->why, sizeof(k->why), "KVM is not available, /dev/kvm is missing: %s; " OR_TCG, hint);
}

static void why_denied(struct caps_kvm *k)
{
	struct stat st = {0};
	const struct group *g = stat("/dev/kvm", &st) == 0 ? getgrgid(st.st_gid) : NULL;
	const char *group = g != NULL && st.st_gid != 0 ? g->gr_name : "kvm";
	snprintf(k->why, sizeof(k->why),
	    "no permission to use /dev/kvm: add yourself to the group '%s' (usermod -aG %s USER, as root) and "
	    "log in again, " OR_TCG,
	    group, group);
}

/* Cheap reasons first; true: KVM is worth a try. */
static bool may_work(const struct caps *c, struct caps_kvm *k)
{
	if (!c->kvm_built) {
		snprintf(k->why, sizeof(k->why),
		    "'%s' was built without KVM: use another emulator, " OR_TCG, c->binary);
		return false;
	}
	CLEANUP_CLOSE int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (fd >= 0)
		return true;
	int e = errno;
	if (e == ENOENT || e == ENXIO || e == ENODEV)
		why_missing(k);
	else if (e == EACCES || e == EPERM)
		why_denied(k);
	else
		snprintf(k->why, sizeof(k->why), "cannot open /dev/kvm: %s; " OR_TCG, strerror(e));
	return false;
}

/* The last line that QEMU printed, without its name in front. */
static void keep_last_line(const struct buf *words, char out[300])
{
	const char *s = words->data == NULL ? "" : words->data;
	size_t n = words->len;
	while (n > 0 && (s[n - 1] == '\n' || s[n - 1] == '\r'))
		n--;
	size_t from = n;
	while (from > 0 && s[from - 1] != '\n')
		from--;
	CLEANUP_FREE char *text = str_printable(s + from, n - from, 250);
	snprintf(out, 300, "%s", text);
}

static bool model_starts(
    const struct caps *c, const char *machine, const char *model, char words[300])
{
	CLEANUP_FREE char *m = xasprintf("%s,accel=kvm", machine);
	const char *const argv[] = {c->binary, "-machine", m, "-cpu", model, "-m", "16",
	    "-nodefaults", "-no-user-config", "-display", "none", "-S", NULL};
	CLEANUP_BUF struct buf text = BUF_INIT;
	struct json_object *answer = NULL;
	const struct probe_question question = {"query-kvm", NULL};
	int rc = probe_run(argv, &question, 1, TRY_TIMEOUT_MS, &answer, &text, NULL);
	bool on = rc == 0 && answer != NULL && json_get_bool(answer, "enabled", 0);
	json_object_put(answer);
	if (!on)
		keep_last_line(&text, words);
	return on;
}

static void try_models(const struct caps *c, struct caps_kvm *k)
{
	static const char *const models[] = {"host", "max", "qemu64", "kvm64"};
	const char *machine = caps_machine(c, "q35") != NULL    ? "q35"
	                      : caps_machine(c, "virt") != NULL ? "virt"
	                                                        : "pc";
	char words[300] = "";
	for (size_t i = 0; i < ARRAY_LEN(models) && !k->usable; i++) {
		if (!caps_has_cpu(c, models[i]) || !model_starts(c, machine, models[i], words))
			continue;
		k->usable = true;
		snprintf(k->cpu_host, sizeof(k->cpu_host), "%s", models[i]);
	}
	if (k->usable && caps_machine(c, "q35") != NULL)
		k->smm = model_starts(c, "q35,smm=on", k->cpu_host, words);
	if (!k->usable)
		snprintf(k->why, sizeof(k->why),
		    "KVM does not work on this host: /dev/kvm opens, but QEMU cannot use it (%s); " OR_TCG,
		    words[0] == '\0' ? "it says nothing" : words);
}

/* --- cached until the next boot: what the answer depends on is the key --- */

static char *cache_key(const struct caps *c)
{
	CLEANUP_BUF struct buf boot = BUF_INIT;
	struct stat kvm = {0}, qemu = {0};
	if (file_read("/proc/sys/kernel/random/boot_id", 64, &boot, NULL) < 0)
		return NULL;
	if (stat("/dev/kvm", &kvm) < 0 || stat(c->binary, &qemu) < 0)
		return NULL;
	return xasprintf("2 %.36s %s %ju %jd %ju %jd %u", boot.data, c->binary,
	    (uintmax_t)qemu.st_ino, (intmax_t)qemu.st_mtim.tv_sec, (uintmax_t)kvm.st_ino,
	    (intmax_t)kvm.st_ctim.tv_sec, (unsigned)geteuid());
}

static char *cache_file(const struct home *h, const struct caps *c)
{
	CLEANUP_FREE char *name = xasprintf("kvm-%s-%u.json", c->target, (unsigned)geteuid());
	return home_data_file(h, "caps", name);
}

static bool read_cache(const char *path, const char *key, struct caps_kvm *k)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	if (file_read(path, CACHE_MAX, &b, NULL) < 0 || b.data == NULL)
		return false;
	struct json_object *o = json_tokener_parse(b.data);
	const char *model = json_get_str(o, "cpu_host"), *why = json_get_str(o, "why");
	int usable = json_get_bool(o, "usable", -1);
	bool valid = str_eq(json_get_str(o, "key"), key) && model != NULL && why != NULL &&
	             usable >= 0 && strlen(model) < sizeof(k->cpu_host);
	if (valid) {
		k->usable = usable;
		k->modes_64bit = json_get_bool(o, "modes_64bit", 0);
		k->smm = json_get_bool(o, "smm", 0);
		snprintf(k->cpu_host, sizeof(k->cpu_host), "%s", model);
		snprintf(k->why, sizeof(k->why), "%s", why);
	}
	json_object_put(o);
	return valid;
}

static void write_cache(
    const struct home *h, const char *path, const char *key, const struct caps_kvm *k)
{
	struct err err;
	CLEANUP_FREE char *dir = home_data_file(h, "caps", ".");
	struct json_object *o = json_object_new_object();
	json_object_object_add(o, "key", json_object_new_string(key));
	json_object_object_add(o, "usable", json_object_new_boolean(k->usable));
	json_object_object_add(o, "cpu_host", json_object_new_string(k->cpu_host));
	json_object_object_add(o, "smm", json_object_new_boolean(k->smm));
	json_object_object_add(o, "modes_64bit", json_object_new_boolean(k->modes_64bit));
	json_object_object_add(o, "why", json_object_new_string(k->why));
	const char *text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN);
	if (home_mkdir(h, dir, &err) < 0 ||
	    file_write_atomic(path, text, strlen(text), 0600, &err) < 0)
		log_warn("%s", err.msg);
	json_object_put(o);
}

int caps_kvm_get(const struct home *h, const struct caps *c, struct caps_kvm *k, struct err *err)
{
	(void)err;
	memset(k, 0, sizeof(*k));
	if (!may_work(c, k))
		return 0;
	CLEANUP_FREE char *key = cache_key(c);
	CLEANUP_FREE char *path = cache_file(h, c);
	if (key != NULL && read_cache(path, key, k))
		return 0;
	k->modes_64bit = cpu_has_flag("vmx") || cpu_has_flag("svm");
	try_models(c, k);
	if (key != NULL)
		write_cache(h, path, key, k);
	return 0;
}
