/* The side processes that a definition asks for: swtpm, virtiofsd. */
#include <string.h>

#include "core/buf.h"
#include "core/hostconf.h"
#include "core/mem.h"
#include "core/str.h"
#include "kvm/companion_fs.h"
#include "kvm/companion_tpm.h"
#include "kvm/confine.h"
#include "kvm/supervisor_kit.h"

static const struct domain_dev *find_device(
    const struct domain *d, enum domain_dev_kind kind, unsigned index)
{
	for (size_t i = 0; i < d->n_devs; i++)
		if (d->devs[i].kind == kind && d->devs[i].index == index)
			return &d->devs[i];
	return NULL;
}

/* "sha1,sha256" of <active_pcr_banks>; NULL as the TPM has them. */
static char *pcr_banks(const struct domain_attrs *a)
{
	static const char *const banks[] = {"sha1", "sha256", "sha384", "sha512"};
	struct buf b = BUF_INIT;
	for (size_t i = 0; i < ARRAY_LEN(banks); i++) {
		CLEANUP_FREE char *name = xasprintf("backend/active_pcr_banks/%s", banks[i]);
		if (attrs_has(a, name))
			buf_addf(&b, "%s%s", b.len > 0 ? "," : "", banks[i]);
	}
	return b.len > 0 ? buf_take(&b) : NULL;
}

/* banks: on the heap, the caller's to free. */
static int tpm_of(const struct domain *d, struct companion_tpm *t, char **banks, struct err *err)
{
	const struct domain_dev *dev = find_device(d, DEV_TPM, 0);
	if (dev == NULL)
		return err_set(err, ERR_INVALID, "<tpm>: there is none");
	if (attrs_has(&dev->attrs, "backend/encryption"))
		return err_set(err, ERR_UNSUPPORTED,
		    "<tpm>: <encryption> needs a secret, and hvmux keeps none yet: leave it out for a TPM whose state "
		    "is protected by the folder's permissions");
	*banks = pcr_banks(&dev->attrs);
	*t = (struct companion_tpm){.uuid = d->uuid,
	    .version_1 = attrs_is(&dev->attrs, "backend@version", "1.2"),
	    .banks = *banks};
	return 0;
}

static int open_tpm(const struct supervisor *s, const struct domain *d,
    const struct companion_spec *as, struct err *err)
{
	struct companion_tpm t;
	CLEANUP_FREE char *banks = NULL;
	if (tpm_of(d, &t, &banks, err) < 0)
		return -1;
	return companion_tpm_start(s->companions, s->home, &t, as, err);
}

/* --- a TPM's keys, before there is a QEMU --- */

static bool has_new_tpm(const struct supervisor *s, const struct domain *d)
{
	struct companion_tpm t;
	CLEANUP_FREE char *banks = NULL;
	const struct domain_dev *dev = find_device(d, DEV_TPM, 0);
	return dev != NULL && attrs_is(&dev->attrs, "backend@type", "emulator") &&
	       tpm_of(d, &t, &banks, NULL) == 0 && companion_tpm_is_new(s->home, &t);
}

static int make_keys(
    struct supervisor *s, const struct domain *d, companion_done_fn *done, struct err *err)
{
	struct companion_tpm t;
	struct hostconf conf;
	struct confine confine;
	CLEANUP_FREE char *banks = NULL;
	if (tpm_of(d, &t, &banks, err) < 0 || hostconf_load(s->home, &conf, err) < 0)
		return -1;
	const struct companion_spec as = {.confine = &confine};
	int rc = confine_init(&confine, s->home, &conf, err);
	hostconf_fini(&conf);
	if (rc < 0)
		return -1;
	/* Of an earlier QEMU, or of a supervisor that was killed while it made them. */
	companion_adopt(s->companions);
	companion_end_all(s->companions);
	return companion_tpm_make(s->companions, s->home, &t, &as, done, s, err);
}

int sup_keys_make(
    struct supervisor *s, const struct domain *d, companion_done_fn *done, struct err *err)
{
	if (!has_new_tpm(s, d))
		return 0;
	return make_keys(s, d, done, err) < 0 ? -1 : 1;
}

int sup_keys_keep(struct supervisor *s, const struct domain *d, struct err *err)
{
	struct companion_tpm t;
	CLEANUP_FREE char *banks = NULL;
	return tpm_of(d, &t, &banks, err) < 0 ? -1 : companion_tpm_keep(s->home, &t, err);
}

static int open_fs(const struct supervisor *s, const struct domain *d,
    const struct argv_socket *wanted, const struct companion_spec *as, struct err *err)
{
	const struct domain_dev *dev = find_device(d, DEV_FILESYSTEM, wanted->index);
	if (dev == NULL)
		return err_set(
		    err, ERR_INVALID, "<filesystem>: there is no number %u", wanted->index);
	const struct domain_attrs *a = &dev->attrs;
	CLEANUP_FREE char *path = home_run_file(s->home, s->name, wanted->file);
	const struct companion_fs f = {.index = wanted->index,
	    .program = attrs_get(a, "binary@path"),
	    .source = attrs_get(a, "source@dir"),
	    .cache = attrs_get(a, "binary/cache@mode"),
	    .sandbox = attrs_get(a, "binary/sandbox@mode"),
	    .xattr = attrs_switch(a, "binary@xattr"),
	    .flock = attrs_switch(a, "binary/lock@flock"),
	    .posix_lock = attrs_switch(a, "binary/lock@posix"),
	    .threads = (unsigned)attrs_number(a, "binary/thread_pool@size", 0)};
	if (f.source == NULL)
		return err_set(err, ERR_INVALID, "<filesystem>: has no <source dir=…>");
	return companion_fs_start(s->companions, &f, path, as, err);
}

int sup_companion_open(struct sup_kit *k, const struct supervisor *s, const struct domain *d,
    const struct argv_socket *wanted, struct err *err)
{
	/* They take part of what the VM may use. */
	const struct companion_spec as = {
	    .confine = &k->confine, .cgroups = k->doors, .n_cgroups = k->n_doors};
	if (wanted->kind == ARGV_SOCKET_TPM)
		return open_tpm(s, d, &as, err);
	return open_fs(s, d, wanted, &as, err);
}
