#include "kvm/companion_tpm.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uuid.h>

#include "core/file.h"
#include "core/log.h"
#include "core/mem.h"

#define SETUP_MS 60000 /* making keys takes a second; on a busy host more */

char *companion_tpm_dir(const struct home *h, const unsigned char uuid[16])
{
	char text[37];
	uuid_unparse_lower(uuid, text);
	return home_data_file(h, "tpm", text);
}

/* The folder of the state itself; it belongs to swtpm's user. That user cannot walk to it: swtpm is put into it. */
static char *make_dir(
    const struct home *h, const struct companion_tpm *t, const struct confine *c, struct err *err)
{
	CLEANUP_FREE char *top = companion_tpm_dir(h, t->uuid);
	CLEANUP_FREE char *dir = xasprintf("%s/%s", top, t->version_1 ? "tpm1.2" : "tpm2");
	if (home_mkdir(h, dir, err) < 0)
		return NULL;
	if (c->other_user && (chown(dir, c->uid, c->gid) < 0 || chmod(dir, 0700) < 0)) {
		err_errno(err, errno, "cannot give '%s' to user %s", dir, c->user);
		return NULL;
	}
	return TAKE_PTR(dir);
}

static char *state_file(const char *dir, bool version_1)
{
	return xasprintf("%s/%s", dir, version_1 ? "tpm-00.permall" : "tpm2-00.permall");
}

/* --- making a TPM --- */

/* Keys are made once, as swtpm_setup(8) does it; without that program swtpm makes an empty TPM, which serves as well for
 * what does not ask for a manufacturer's keys. */
static int set_up(struct companion_set *s, const struct companion_tpm *t,
    const struct companion_spec *as, const char *dir, struct err *err)
{
	CLEANUP_FREE char *program = file_find_program("swtpm_setup");
	char *argv[12];
	int n = 0;
	if (program == NULL) {
		log_warn("no swtpm_setup in PATH: the TPM is made without an endorsement key");
		return 0;
	}
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
	return companion_run(s, &spec, SETUP_MS, err);
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
	CLEANUP_FREE char *dir = make_dir(h, t, as->confine, err);
	if (dir == NULL)
		return -1;
	CLEANUP_FREE char *state = state_file(dir, t->version_1);
	if (access(state, F_OK) < 0 && set_up(s, t, as, dir, err) < 0) {
		unlink(state); /* half of a TPM would pass for one at the next start */
		return -1;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(err, errno, "cannot make a socket for the TPM");
	CLEANUP_CLOSE int ours = pair[0], its = pair[1];
	return start(s, t, as, dir, its, err) < 0 ? -1 : TAKE_FD(ours);
}
