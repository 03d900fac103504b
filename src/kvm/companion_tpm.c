#include "kvm/companion_tpm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uuid.h>

#include "core/file.h"
#include "core/log.h"
#include "core/mem.h"

#define NEW ".new"     /* behind the folder's name: where the keys are made */
#define SETUP_MS 60000 /* making keys takes a second; on a busy host more */

char *companion_tpm_dir(const struct home *h, const unsigned char uuid[16])
{
	char text[37];
	uuid_unparse_lower(uuid, text);
	return home_data_file(h, "tpm", text);
}

static char *dir_path(const struct home *h, const struct companion_tpm *t, const char *suffix)
{
	CLEANUP_FREE char *top = companion_tpm_dir(h, t->uuid);
	return xasprintf("%s/%s%s", top, t->version_1 ? "tpm1.2" : "tpm2", suffix);
}

/* The folder of the state itself; it belongs to swtpm's user. That user cannot walk to it: swtpm is put into it. */
static int make_dir(const struct home *h, const char *dir, const struct confine *c, struct err *err)
{
	if (home_mkdir(h, dir, err) < 0)
		return -1;
	if (c->other_user && (chown(dir, c->uid, c->gid) < 0 || chmod(dir, 0700) < 0))
		return err_errno(err, errno, "cannot give '%s' to user %s", dir, c->user);
	return 0;
}

static char *state_file(const struct home *h, const struct companion_tpm *t, const char *suffix)
{
	CLEANUP_FREE char *dir = dir_path(h, t, suffix);
	return xasprintf("%s/%s", dir, t->version_1 ? "tpm-00.permall" : "tpm2-00.permall");
}

/* --- making a TPM --- */

bool companion_tpm_is_new(const struct home *h, const struct companion_tpm *t)
{
	CLEANUP_FREE char *state = state_file(h, t, "");
	CLEANUP_FREE char *program = file_find_program("swtpm_setup");
	return program != NULL && access(state, F_OK) < 0;
}

/* Keys are made once, as swtpm_setup(8) does it; without that program swtpm makes an empty TPM, which serves as well for
 * what does not ask for a manufacturer's keys. */
int companion_tpm_make(struct companion_set *s, const struct home *h, const struct companion_tpm *t,
    const struct companion_spec *as, companion_done_fn *done, void *arg, struct err *err)
{
	CLEANUP_FREE char *program = file_find_program("swtpm_setup");
	CLEANUP_FREE char *dir = dir_path(h, t, NEW);
	char *argv[12];
	int n = 0;
	argv[n++] = program;
	if (!t->version_1)
		argv[n++] = (char *)"--tpm2";
	argv[n++] = (char *)"--tpm-state";
	argv[n++] = (char *)".";
	argv[n++] = (char *)"--createek";
	argv[n++] = (char *)"--lock-nvram";
	argv[n++] = (char *)"--not-overwrite";
	if (t->banks != NULL && !t->version_1) {
		argv[n++] = (char *)"--pcr-banks";
		argv[n++] = (char *)t->banks;
	}
	argv[n] = NULL;
	struct companion_spec spec = *as;
	spec.label = "tpm";
	spec.what = "swtpm_setup (makes the TPM's keys)";
	spec.argv = argv;
	spec.fd = -1;
	spec.dir = dir;
	if (program == NULL)
		return err_set(err, ERR_NOT_FOUND, "<tpm>: no 'swtpm_setup' in PATH");
	/* Of one that was killed. */
	if (file_remove_tree(dir, err) < 0 || make_dir(h, dir, as->confine, err) < 0)
		return -1;
	return companion_run_later(s, &spec, SETUP_MS, done, arg, err);
}

int companion_tpm_keep(const struct home *h, const struct companion_tpm *t, struct err *err)
{
	CLEANUP_FREE char *fresh = dir_path(h, t, NEW), *dir = dir_path(h, t, "");
	CLEANUP_FREE char *from = state_file(h, t, NEW), *to = state_file(h, t, "");
	CLEANUP_CLOSE int fd = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fsync(fd) < 0)
		return err_errno(err, errno, "swtpm_setup left no TPM in '%s'", from);
	if (home_mkdir(h, dir, err) < 0)
		return -1;
	if (rename(from, to) < 0)
		return err_errno(err, errno, "cannot rename '%s' to '%s'", from, to);
	return file_remove_tree(fresh, err);
}

/* --- the TPM's life --- */

static int start(struct companion_set *s, const struct companion_tpm *t,
    const struct companion_spec *as, const char *dir, int fd, struct err *err)
{
	CLEANUP_FREE char *program = file_find_program("swtpm");
	char *argv[] = {program, (char *)"socket", (char *)"--ctrl",
	    (char *)"type=unixio,clientfd=3", (char *)"--tpmstate", (char *)"dir=.,mode=0600",
	    (char *)"--terminate", t->version_1 ? NULL : (char *)"--tpm2", NULL};
	struct companion_spec spec = *as;
	spec.label = "tpm";
	spec.what = "swtpm (the TPM)";
	spec.argv = argv;
	spec.fd = fd;
	spec.dir = dir;
	if (program == NULL)
		return err_set(err, ERR_NOT_FOUND,
		    "<tpm>: no 'swtpm' in PATH: install it (Debian, Fedora: swtpm, swtpm-tools)");
	return companion_start(s, &spec, err);
}

int companion_tpm_start(struct companion_set *s, const struct home *h,
    const struct companion_tpm *t, const struct companion_spec *as, struct err *err)
{
	int pair[2];
	CLEANUP_FREE char *dir = dir_path(h, t, ""), *state = state_file(h, t, "");
	if (make_dir(h, dir, as->confine, err) < 0)
		return -1;
	if (companion_tpm_is_new(h, t))
		return err_set(err, ERR_STATE, "<tpm>: '%s' is gone: start the domain anew", state);
	if (access(state, F_OK) < 0)
		log_warn("no swtpm_setup in PATH: the TPM is made without an endorsement key");
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(err, errno, "cannot make a socket for the TPM");
	CLEANUP_CLOSE int ours = pair[0], its = pair[1];
	return start(s, t, as, dir, its, err) < 0 ? -1 : TAKE_FD(ours);
}
