#include "kvm/firmware.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file.h"
#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"

#define DESCRIPTORS_MAX 256u
#define DESCRIPTOR_MAX (64u << 10) /* bytes; edk2's have 800 */
#define DESCRIPTOR_DEPTH 16
#define VARS_MAX (64u << 20) /* bytes of a store of variables; OVMF's have 528 KiB */

/* --- environment --- */
static void add_dir(struct firmware_env *env, size_t *n, char *dir)
{
	env->dirs = xreallocarray(env->dirs, *n + 2, sizeof *env->dirs);
	env->dirs[(*n)++] = dir;
	env->dirs[*n] = NULL;
}

void firmware_env_init(struct firmware_env *env, const struct home *h)
{
	const char *wish = getenv("HVMUX_FIRMWARE");
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	size_t n = 0;
	*env = (struct firmware_env){.nvram_dir = home_data_file(h, "nvram", ".")};
	env->nvram_dir[strlen(env->nvram_dir) - strlen("/.")] = '\0';
	while (wish != NULL && *wish != '\0') {
		size_t len = strcspn(wish, ":");
		add_dir(env, &n, xstrndup(wish, len));
		wish += len + (wish[len] == ':');
	}
	if (n > 0)
		return;
	add_dir(env, &n, xstrdup("/usr/share/qemu/firmware"));
	add_dir(env, &n, xstrdup("/etc/qemu/firmware"));
	if (config != NULL && config[0] == '/')
		add_dir(env, &n, xasprintf("%s/qemu/firmware", config));
	else if (home != NULL && home[0] == '/')
		add_dir(env, &n, xasprintf("%s/.config/qemu/firmware", home));
}

void firmware_env_fini(struct firmware_env *env)
{
	for (size_t i = 0; env->dirs != NULL && env->dirs[i] != NULL; i++)
		free(env->dirs[i]);
	free(env->dirs);
	free(env->nvram_dir);
	*env = (struct firmware_env){0};
}

char *firmware_nvram_path(const struct firmware_env *env, const char *name)
{
	return xasprintf("%s/%s_VARS.fd", env->nvram_dir, name);
}

void firmware_fini(struct firmware *f)
{
	char *const strings[] = {f->code, f->code_format, f->vars, f->vars_format, f->vars_host,
	    f->template, f->template_format};
	for (size_t i = 0; i < ARRAY_LEN(strings); i++)
		free(strings[i]);
	*f = (struct firmware){0};
}

/* --- descriptors: their names first, so that a later folder's hides an earlier one's --- */
struct descriptor_file {
	char *name; /* "60-edk2-x86_64.json" */
	char *path;
};
struct descriptor_list {
	struct descriptor_file *files; /* by name */
	size_t n;
};

static void list_fini(struct descriptor_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		free(list->files[i].name);
		free(list->files[i].path);
	}
	free(list->files);
}

static void list_put(struct descriptor_list *list, const char *dir, const char *name)
{
	char *path = xasprintf("%s/%s", dir, name);
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->files[i].name, name) == 0) {
			free(list->files[i].path);
			list->files[i].path = path;
			return;
		}
	list->files = xreallocarray(list->files, list->n + 1, sizeof *list->files);
	list->files[list->n++] = (struct descriptor_file){xstrdup(name), path};
}

static int compare_files(const void *a, const void *b)
{
	const struct descriptor_file *x = a, *y = b;
	return strcmp(x->name, y->name);
}

static void list_read(struct descriptor_list *list, char *const *dirs)
{
	for (; dirs != NULL && *dirs != NULL; dirs++) {
		DIR *dir = opendir(*dirs);
		const struct dirent *e;
		while (dir != NULL && (e = readdir(dir)) != NULL && list->n < DESCRIPTORS_MAX) {
			size_t n = strlen(e->d_name);
			if (e->d_name[0] != '.' && n > 5 && strcmp(e->d_name + n - 5, ".json") == 0)
				list_put(list, *dirs, e->d_name);
		}
		if (dir != NULL)
			closedir(dir);
	}
	if (list->n > 0)
		qsort(list->files, list->n, sizeof *list->files, compare_files);
}

/* NULL: not readable, empty (which hides another) or no JSON. */
static struct json_object *descriptor_read(const char *path)
{
	CLEANUP_BUF struct buf text = BUF_INIT;
	if (file_read(path, DESCRIPTOR_MAX, &text, NULL) < 0 || text.len == 0)
		return NULL;
	struct json_tokener *tok = json_tokener_new_ex(DESCRIPTOR_DEPTH);
	struct json_object *o = json_tokener_parse_ex(tok, text.data, (int)text.len);
	json_tokener_free(tok);
	if (o != NULL && !json_object_is_type(o, json_type_object)) {
		json_object_put(o);
		o = NULL;
	}
	return o;
}

/* --- what one describes --- */
static bool has_word(struct json_object *o, const char *key, const char *word)
{
	struct json_object *list = json_get_arr(o, key);
	for (size_t i = 0; list != NULL && i < json_object_array_length(list); i++) {
		struct json_object *s = json_object_array_get_idx(list, i);
		if (json_object_is_type(s, json_type_string) &&
		    strcmp(json_object_get_string(s), word) == 0)
			return true;
	}
	return false;
}

/* "pc-q35-*" against the machine's full name. */
static bool fits_machine(struct json_object *target, const char *machine)
{
	struct json_object *list = json_get_arr(target, "machines");
	for (size_t i = 0; list != NULL && i < json_object_array_length(list); i++) {
		struct json_object *s = json_object_array_get_idx(list, i);
		if (json_object_is_type(s, json_type_string) &&
		    fnmatch(json_object_get_string(s), machine, 0) == 0)
			return true;
	}
	return false;
}

static bool fits_target(struct json_object *o, const struct domain *d, const char *machine)
{
	struct json_object *targets = json_get_arr(o, "targets");
	const char *arch = strcmp(d->arch, "i686") == 0 ? "i386" : d->arch;
	for (size_t i = 0; targets != NULL && i < json_object_array_length(targets); i++) {
		struct json_object *t = json_object_array_get_idx(targets, i);
		if (str_eq(json_get_str(t, "architecture"), arch) && fits_machine(t, machine))
			return true;
	}
	return false;
}

static bool fits_switch(enum domain_switch wish, bool has)
{
	return wish == SWITCH_ABSENT || (wish == SWITCH_ON) == has;
}

static bool fits_wishes(
    struct json_object *o, const struct domain *d, const struct firmware_env *env)
{
	const struct domain_os *os = &d->os;
	bool secure = has_word(o, "features", "secure-boot");
	bool smm = has_word(o, "features", "requires-smm");
	if (!fits_switch(os->secure_boot, secure) || (os->loader.secure == SWITCH_ON && !secure))
		return false;
	if (!fits_switch(os->enrolled_keys, has_word(o, "features", "enrolled-keys")))
		return false;
	if (d->security.sev && !has_word(o, "features", "amd-sev"))
		return false;
	/* SMM is a part of the q35 machines alone. */
	return !smm || (d->features.smm != SWITCH_OFF && domain_is_q35(d) && !env->no_smm);
}

/* How the image is used: "flash" with "split", "combined" or "stateless", or "memory". */
static bool fits_mapping(struct json_object *mapping, const struct domain *d)
{
	const char *device = json_get_str(mapping, "device"), *mode = json_get_str(mapping, "mode");
	bool stateless = d->os.loader.stateless == SWITCH_ON;
	if (str_eq(device, "memory"))
		return d->os.nvram.line == 0 && d->os.loader.stateless != SWITCH_OFF &&
		       (d->os.loader.line == 0 || d->os.loader.type == LOADER_ROM);
	if (!str_eq(device, "flash"))
		return false;
	if (stateless)
		return str_eq(mode, "stateless");
	return mode == NULL || strcmp(mode, "split") == 0;
}

static bool fits(struct json_object *o, const struct domain *d, const struct firmware_env *env,
    const char *machine)
{
	const char *kind = d->os.firmware == FIRMWARE_EFI ? "uefi" : "bios";
	struct json_object *mapping = json_get_obj(o, "mapping");
	return has_word(o, "interface-types", kind) && mapping != NULL &&
	       fits_target(o, d, machine) && fits_wishes(o, d, env) && fits_mapping(mapping, d);
}

/* --- from a descriptor, or from the document, to what is used --- */
static const char *mapped_file(struct json_object *mapping, const char *key, const char **format)
{
	struct json_object *file = json_get_obj(mapping, key);
	*format = file != NULL ? json_get_str(file, "format") : NULL;
	return file != NULL ? json_get_str(file, "filename") : NULL;
}

static bool take_descriptor(struct json_object *o, struct firmware *f)
{
	struct json_object *mapping = json_get_obj(o, "mapping");
	const char *format;
	f->given = true;
	if (str_eq(json_get_str(mapping, "device"), "memory")) {
		f->rom = true;
		f->code = xstrdup0(json_get_str(mapping, "filename"));
		return f->code != NULL;
	}
	f->code = xstrdup0(mapped_file(mapping, "executable", &format));
	f->code_format = xstrdup0(format);
	f->template = xstrdup0(mapped_file(mapping, "nvram-template", &format));
	f->template_format = xstrdup0(format);
	f->has_vars = f->template != NULL;
	f->smm = has_word(o, "features", "requires-smm");
	/* Without SMM nothing guards the variables, and the flash would refuse every write. */
	f->secure = f->smm && has_word(o, "features", "secure-boot");
	return f->code != NULL;
}

static int choose(const struct domain *d, const struct firmware_env *env,
    const struct descriptor_list *list, const char *machine, struct firmware *f, struct err *err)
{
	for (size_t i = 0; i < list->n; i++) {
		struct json_object *o = descriptor_read(list->files[i].path);
		bool taken = o != NULL && fits(o, d, env, machine) && take_descriptor(o, f);
		json_object_put(o);
		if (taken)
			return 0;
		firmware_fini(f);
	}
	if (d->os.firmware == FIRMWARE_BIOS)
		return 0; /* the machine's own is one */
	if (env->no_smm && (d->os.secure_boot == SWITCH_ON || d->os.enrolled_keys == SWITCH_ON ||
	                       d->os.loader.secure == SWITCH_ON))
		return err_set(err, ERR_UNSUPPORTED,
		    "domain '%s': secure boot needs System Management Mode, which KVM does not have on this host: "
		    "<domain type='qemu'> emulates it",
		    d->name);
	return err_set(err, ERR_NOT_FOUND,
	    "domain '%s': no UEFI firmware on this host does what <os firmware='efi'> asks for on machine "
	    "'%s': install one (Debian: ovmf, Fedora: edk2-ovmf), or ask for less (of %zu descriptors none fits)",
	    d->name, machine, list->n);
}

static void take_template(const struct descriptor_list *list, struct firmware *f)
{
	for (size_t i = 0; i < list->n && f->template == NULL; i++) {
		struct json_object *o = descriptor_read(list->files[i].path);
		struct json_object *mapping = o != NULL ? json_get_obj(o, "mapping") : NULL;
		const char *format;
		if (mapping != NULL &&
		    str_eq(mapped_file(mapping, "executable", &format), f->code)) {
			f->template = xstrdup0(mapped_file(mapping, "nvram-template", &format));
			f->template_format = xstrdup0(format);
		}
		json_object_put(o);
	}
}

/* Distributions' files from before there were descriptors, or beside them. */
static const struct {
	const char *code, *vars;
} known_pairs[] = {
    {"/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"},
    {"/usr/share/OVMF/OVMF_CODE.secboot.fd", "/usr/share/OVMF/OVMF_VARS.fd"},
    {"/usr/share/OVMF/OVMF_CODE.ms.fd", "/usr/share/OVMF/OVMF_VARS.ms.fd"},
    {"/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"},
    {"/usr/share/OVMF/OVMF_CODE_4M.secboot.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"},
    {"/usr/share/OVMF/OVMF_CODE_4M.ms.fd", "/usr/share/OVMF/OVMF_VARS_4M.ms.fd"},
    {"/usr/share/edk2/ovmf/OVMF_CODE.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd"},
    {"/usr/share/edk2/ovmf/OVMF_CODE.secboot.fd", "/usr/share/edk2/ovmf/OVMF_VARS.secboot.fd"},
    {"/usr/share/edk2/x64/OVMF_CODE.fd", "/usr/share/edk2/x64/OVMF_VARS.fd"},
    {"/usr/share/edk2-ovmf/x64/OVMF_CODE.fd", "/usr/share/edk2-ovmf/x64/OVMF_VARS.fd"},
    {"/usr/share/qemu/ovmf-x86_64-code.bin", "/usr/share/qemu/ovmf-x86_64-vars.bin"},
};

static void take_known_template(struct firmware *f)
{
	for (size_t i = 0; i < ARRAY_LEN(known_pairs) && f->template == NULL; i++)
		if (strcmp(known_pairs[i].code, f->code) == 0)
			f->template = xstrdup(known_pairs[i].vars);
}

/* <loader>/path</loader> */
static void take_loader(
    const struct domain *d, const struct descriptor_list *list, struct firmware *f)
{
	const struct os_loader *l = &d->os.loader;
	f->given = true;
	f->rom = l->type == LOADER_ROM;
	f->code = xstrdup(l->path);
	f->code_format = xstrdup0(l->format);
	f->code_writable = l->readonly != SWITCH_ON;
	f->smm = f->secure = l->secure == SWITCH_ON;
	f->has_vars =
	    !f->rom && l->stateless != SWITCH_ON && (!f->code_writable || d->os.nvram.line > 0);
	if (f->has_vars)
		take_template(list, f);
	if (f->has_vars)
		take_known_template(f);
}

static void take_nvram(const struct domain *d, const struct firmware_env *env, struct firmware *f)
{
	const struct os_nvram *v = &d->os.nvram;
	if (!f->has_vars)
		return;
	f->vars_type = v->type;
	f->vars = v->path != NULL || v->type == NVRAM_NBD ? xstrdup0(v->path)
	                                                  : firmware_nvram_path(env, d->name);
	f->vars_format = xstrdup0(v->format);
	f->vars_host = xstrdup0(v->host);
	f->vars_port = v->port;
	if (v->template == NULL)
		return;
	free(f->template);
	free(f->template_format);
	f->template = xstrdup(v->template);
	f->template_format = xstrdup0(v->template_format);
}

int firmware_resolve(const struct domain *d, const struct caps *c, const struct firmware_env *env,
    struct firmware *out, struct err *err)
{
	struct descriptor_list list = {0};
	const char *name = d->machine != NULL ? d->machine : "pc";
	const struct caps_machine *m = caps_machine(c, name);
	int rc = 0;
	*out = (struct firmware){0};
	if (d->os.firmware == FIRMWARE_DEFAULT && d->os.loader.path == NULL)
		return 0;
	list_read(&list, env->dirs);
	if (d->os.loader.path != NULL)
		take_loader(d, &list, out);
	else
		rc = choose(d, env, &list, m != NULL ? m->name : name, out, err);
	if (rc == 0)
		take_nvram(d, env, out);
	list_fini(&list);
	return rc;
}

/* --- before a start --- */
static int check_readable(const char *what, const char *path, struct err *err)
{
	if (access(path, R_OK) == 0)
		return 0;
	return err_errno(err, errno, "%s: cannot read '%s'", what, path);
}

static const char *format_of(const char *format)
{
	return format != NULL ? format : "raw";
}

static int make_vars(const struct firmware *f, struct err *err)
{
	CLEANUP_BUF struct buf data = BUF_INIT;
	if (f->template == NULL)
		return err_set(err, ERR_NOT_FOUND,
		    "firmware variables: '%s' is not there, and for '%s' no template is known: name one in <nvram "
		    "template=…>",
		    f->vars, f->code);
	if (strcmp(format_of(f->vars_format), format_of(f->template_format)) != 0)
		return err_set(err, ERR_UNSUPPORTED,
		    "firmware variables: '%s' is to be %s, but the template '%s' is %s: give both the same format",
		    f->vars, format_of(f->vars_format), f->template, format_of(f->template_format));
	if (file_read(f->template, VARS_MAX, &data, err) < 0)
		return err_wrap(err, "firmware variables");
	return file_write_atomic(f->vars, data.data, data.len, 0600, err) < 0
	           ? err_wrap(err, "firmware variables")
	           : 0;
}

int firmware_prepare(const struct firmware *f, const struct home *h, struct err *err)
{
	if (!f->given)
		return 0;
	if (check_readable("firmware", f->code, err) < 0)
		return -1;
	if (!f->has_vars || f->vars_type == NVRAM_NBD)
		return 0;
	if (access(f->vars, F_OK) < 0 && errno == ENOENT && f->vars_type == NVRAM_FILE) {
		CLEANUP_FREE char *dir = home_data_file(h, "nvram", ".");
		bool ours = strncmp(f->vars, dir, strlen(dir) - 1) == 0;
		if ((ours && home_mkdir(h, dir, err) < 0) || make_vars(f, err) < 0)
			return -1;
	}
	if (access(f->vars, R_OK | W_OK) < 0)
		return err_errno(err, errno, "firmware variables: cannot write '%s'", f->vars);
	return 0;
}
