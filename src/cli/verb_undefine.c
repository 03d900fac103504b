/* undefine: a definition goes, and with it what the operator names; everything is checked before anything is removed. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uuid/uuid.h>

#include "cli/dispatch.h"
#include "cli/out.h"
#include "core/audit.h"
#include "core/definitions.h"
#include "core/domain.h"
#include "core/domain_meta.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/pending.h"
#include "core/schedule.h"
#include "core/snapshots.h"
#include "core/store.h"
#include "core/str.h"
#include "core/vm.h"
#include "core/xml.h"
#include "disk/chain.h"
#include "kvm/restore.h"

/* One domain on its way out. */
struct undefine {
	struct cli *c;
	const char *name;
	struct domain d; /* as far as its document can be read */
	bool readable;
	char *nvram, *tpm, *snapshots,
	    *schedules;            /* what there is beside the definition; NULL none */
	struct definitions others; /* what names files; read when storage is to be removed */
	bool *doomed;              /* by disk: its image is to be removed */
	bool storage;              /* one of them is */
	int lock, idle;            /* the store's; and nobody starts the domain */
};

static void undefine_fini(struct undefine *u)
{
	cleanup_close(&u->idle);
	cleanup_close(&u->lock);
	definitions_fini(&u->others);
	domain_fini(&u->d);
	free(u->nvram);
	free(u->tpm);
	free(u->snapshots);
	free(u->schedules);
	free(u->doomed);
}

/* --- what there is --- */
static char *existing(char *path)
{
	if (path != NULL && access(path, F_OK) == 0)
		return path;
	free(path);
	return NULL;
}

static char *find_nvram(const xmlNode *root)
{
	const xmlNode *nvram = xml_child(xml_child(root, "os"), "nvram");
	char *path = xml_child_attr(nvram, "source", "file");
	if (path == NULL)
		path = xml_text(nvram);
	if (path == NULL || path[0] == '/')
		return existing(path);
	free(path);
	return NULL;
}

/* Where companion_tpm keeps it, and where the import puts snapshots. */
static void find_state(struct undefine *u)
{
	const struct home *h = &u->c->home;
	char uuid[37];
	uuid_unparse_lower(u->d.uuid, uuid);
	if (u->d.has_uuid)
		u->tpm = existing(home_data_file(h, "tpm", uuid));
	u->snapshots = existing(home_data_file(h, "snapshots", u->name));
	u->schedules = existing(schedules_path(h, u->name));
}

static int read_definition(struct undefine *u, struct err *err)
{
	CLEANUP_BUF struct buf xml = BUF_INIT;
	struct domain_meta m;
	if (store_read(&u->c->home, u->name, &xml, err) < 0)
		return -1;
	const char *text = xml.data != NULL ? xml.data : "";
	domain_meta_parse(text, xml.len, u->name, &m, NULL);
	bool protect = m.protect;
	domain_meta_fini(&m);
	if (protect)
		return err_set(err, ERR_DENIED,
		    "domain '%s' is protected against deletion; allow it by: hvmux unprotect '%s'",
		    u->name, u->name);
	u->readable =
	    domain_parse(text, xml.len, u->name, DOMAIN_PARSE_LENIENT, &u->d, NULL, NULL) == 0;
	CLEANUP_XML xmlDoc *doc = xml_read(text, xml.len, u->name, "domain", NULL);
	if (doc != NULL)
		u->nvram = find_nvram(xmlDocGetRootElement(doc));
	find_state(u);
	return 0;
}

/* Looks, and where the domain is not running keeps anybody from starting it. */
static int check_state(struct undefine *u, struct err *err)
{
	struct vm vm = {0};
	if (vm_probe(&u->c->home, u->name, &vm, err) < 0)
		return -1;
	bool live = vm.live, defined = vm.defined;
	vm_fini(&vm);
	if (!defined)
		return err_set(err, ERR_STATE, "domain '%s' runs without a definition", u->name);
	if (!live && (u->idle = vm_lock(&u->c->home, u->name, err)) < 0 && err->code != ERR_BUSY)
		return -1;
	return 0;
}

/* --- what shall go --- */
static int exclusive(struct cli *c, const char *a, const char *b, struct err *err)
{
	if (!cli_flag(c, a) || !cli_flag(c, b))
		return 0;
	return err_set(err, ERR_USAGE, "Options --%s and --%s are mutually exclusive", a, b);
}

/* libvirt's rule: nothing that belongs to the domain is left behind, or removed, without being named. */
static int check_beside(struct undefine *u, struct err *err)
{
	struct cli *c = u->c;
	if (u->nvram != NULL && !cli_flag(c, "nvram") && !cli_flag(c, "keep-nvram"))
		return err_set(err, ERR_STATE,
		    "Requested operation is not valid: cannot undefine domain with nvram: --nvram removes '%s', "
		    "--keep-nvram keeps it",
		    u->nvram);
	if (restore_is_managed(&c->home, u->name) && !cli_flag(c, "managed-save"))
		return err_set(err, ERR_STATE,
		    "Requested operation is not valid: Refusing to undefine while domain managed save image exists: --managed-save "
		    "removes it");
	if (u->snapshots != NULL && !cli_flag(c, "snapshots-metadata"))
		return err_set(err, ERR_STATE,
		    "Requested operation is not valid: cannot delete inactive domain with %zu snapshots: "
		    "--snapshots-metadata removes '%s'",
		    snapshots_count(&u->c->home, u->name), u->snapshots);
	return 0;
}

/* A word of --storage: the disk's target or its path. */
static int doom(struct undefine *u, const char *word, size_t len, struct err *err)
{
	bool found = false;
	CLEANUP_FREE char *name = xstrndup(word, len);
	for (size_t i = 0; i < u->d.n_disks; i++) {
		const struct domain_disk *disk = &u->d.disks[i];
		if (str_eq(disk->target, name) || str_eq(disk->image.path, name))
			found = u->doomed[i] = true;
	}
	if (!found)
		return err_set(err, ERR_NOT_FOUND,
		    "Volume '%s' was not found in domain's definition; see: hvmux domblklist '%s'",
		    name, u->name);
	return 0;
}

static int choose_storage(struct undefine *u, struct err *err)
{
	const char *word = cli_value(u->c, "storage");
	bool all = cli_flag(u->c, "remove-all-storage");
	u->storage = all || word != NULL;
	if (all && word != NULL)
		return err_set(err, ERR_USAGE, "Specified both --storage and --remove-all-storage");
	if (u->storage && !u->readable)
		return err_set(err, ERR_INVALID,
		    "the definition of '%s' cannot be read: what its storage is cannot be told",
		    u->name);
	u->doomed = xcalloc(u->d.n_disks + 1, sizeof *u->doomed);
	for (size_t i = 0; i < u->d.n_disks; i++)
		u->doomed[i] = all;
	for (; word != NULL && *word != '\0'; word += *word == ',') {
		size_t n = strcspn(word, ",");
		if (n > 0 && doom(u, word, n, err) < 0)
			return -1;
		word += n;
	}
	return 0;
}

/* A domain that runs uses what its live document names, whatever was defined or undefined since. */
static int add_running(struct undefine *u, struct err *err)
{
	struct vm *vms;
	size_t n;
	const struct home *h = &u->c->home;
	if (vm_list_brief(h, &vms, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		CLEANUP_BUF struct buf xml = BUF_INIT;
		CLEANUP_FREE char *path = home_run_file(h, vms[i].name, "live.xml");
		if (vms[i].live && file_read(path, STORE_XML_MAX, &xml, NULL) == 0 && xml.len > 0)
			definitions_add(&u->others, xml.data, xml.len, path, NULL);
	}
	vm_list_free(vms, n);
	return 0;
}

static int check_storage(struct undefine *u, struct err *err)
{
	if (choose_storage(u, err) < 0)
		return -1;
	if (!u->storage)
		return 0;
	if (u->idle < 0)
		return err_set(err, ERR_STATE,
		    "Storage volume deletion is supported only on stopped domains; '%s' is running",
		    u->name);
	if (definitions_read_whole(&u->c->home, &u->others, err) < 0)
		return -1;
	return add_running(u, err);
}

/* --- going --- */
/* As a disk, or below one in its chain of backing files. A chain that cannot be read to its end may hold it. */
static bool file_is_used(const struct undefine *u, const char *path)
{
	for (size_t i = 0; i < u->others.n; i++) {
		const struct domain *o = &u->others.domains[i];
		for (size_t k = 0; strcmp(o->name, u->name) != 0 && k < o->n_disks; k++) {
			const struct disk_image *image = &o->disks[k].image;
			if (image->path != NULL &&
			    (strcmp(image->path, path) == 0 ||
			        chain_has(image->path, NULL, path, NULL) != 0))
				return true;
		}
	}
	return false;
}

/* Writable files that no other definition names. virsh's words. */
static int remove_volume(struct undefine *u, const struct domain_disk *disk)
{
	const char *path = disk->image.path;
	if (path == NULL || disk->image.type != IMAGE_FILE)
		return 0;
	if (disk->readonly) {
		out_message(u->c, "Volume '%s'(%s) is read only and stays.", disk->target, path);
		return 0;
	}
	if (disk->shareable || file_is_used(u, path)) {
		out_error(
		    "Volume '%s'(%s) is used by other domains too and stays", disk->target, path);
		return 0;
	}
	if (unlink(path) == 0 || errno == ENOENT) {
		out_message(u->c, "Volume '%s'(%s) removed.", disk->target, path);
		return 0;
	}
	out_error(
	    "Failed to remove storage volume '%s'(%s): %s", disk->target, path, strerror(errno));
	return -1;
}

static int remove_file(const char *path, const char *what)
{
	if (path == NULL || unlink(path) == 0 || errno == ENOENT)
		return 0;
	out_error("Failed to remove %s '%s': %s", what, path, strerror(errno));
	return -1;
}

static int remove_tree(const char *path, const char *what)
{
	struct err err = {0};
	if (path == NULL || file_remove_tree(path, &err) == 0)
		return 0;
	out_error("Failed to remove %s: %s", what, err.msg);
	return -1;
}

/* What the last run of a domain left behind: its status page, its consoles' history. The logs stay. */
static void forget_run(struct undefine *u)
{
	CLEANUP_FREE char *dir = home_run_dir(&u->c->home, u->name);
	if (u->idle >= 0)
		(void)remove_tree(dir, "the last run's files");
}

static int remove_beside(struct undefine *u, struct err *err)
{
	int failed = 0;
	bool keep_tpm = u->tpm != NULL && !cli_flag(u->c, "tpm") && !cli_flag(u->c, "keep-tpm");
	if (cli_flag(u->c, "nvram"))
		failed |= remove_file(u->nvram, "the firmware's variables");
	if (cli_flag(u->c, "tpm"))
		failed |= remove_tree(u->tpm, "the TPM's state");
	if (keep_tpm)
		out_warning("the TPM's state stays in '%s'; --tpm removes it", u->tpm);
	failed |= remove_tree(u->snapshots, "the snapshots' metadata");
	failed |= remove_file(u->schedules, "the schedules of snapshots");
	CLEANUP_FREE char *saved = restore_managed_path(&u->c->home, u->name);
	failed |= remove_file(saved, "the saved state");
	for (size_t i = 0; i < u->d.n_disks; i++)
		if (u->doomed[i])
			failed |= remove_volume(u, &u->d.disks[i]);
	if (failed)
		return err_set(err, ERR_IO, "not all that belonged to '%s' was removed", u->name);
	return 0;
}

static int undefine(struct undefine *u, struct err *err)
{
	u->lock = store_lock(&u->c->home, err);
	if (u->lock < 0 || check_state(u, err) < 0 || read_definition(u, err) < 0 ||
	    check_beside(u, err) < 0 || check_storage(u, err) < 0 ||
	    pending_undefine(&u->c->home, u->name, err) < 0)
		return -1;
	forget_run(u);
	audit_write(&u->c->home, u->name, "uid=%u pid=%d what=undefine result=ok",
	    (unsigned)getuid(), (int)getpid());
	out_message(u->c, "Domain '%s' has been undefined", u->name);
	return remove_beside(u, err);
}

static int check_options(struct cli *c, struct err *err)
{
	if (exclusive(c, "nvram", "keep-nvram", err) < 0)
		return -1;
	return exclusive(c, "tpm", "keep-tpm", err);
}

/* --checkpoints-metadata needs no code: nothing of this kind is kept. */
int verb_undefine(struct cli *c)
{
	unsigned n;
	struct err usage = {0};
	const char *const *words = cli_values(c, "domain", &n);
	int status = CLI_DONE;
	if (check_options(c, &usage) < 0) {
		out_error("%s", usage.msg);
		return CLI_USAGE;
	}
	for (unsigned i = 0; i < n; i++) {
		struct err err = {0};
		CLEANUP_FREE char *name = vm_resolve(&c->home, words[i], &err);
		CLEANUP(undefine_fini)
		struct undefine u = {.c = c, .name = name, .lock = -1, .idle = -1};
		if (name != NULL && undefine(&u, &err) == 0)
			continue;
		if (name != NULL)
			out_failed("undefine", name, &err);
		else
			out_error("%s", err.msg);
		status = CLI_FAILED;
	}
	return status;
}
