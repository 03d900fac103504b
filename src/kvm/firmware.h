/* firmware: which firmware a domain gets: the one that it names, or the best of those that the host describes in QEMU's
 * firmware descriptors (QEMU's docs/interop/firmware.json). Owner of a struct firmware: whoever resolved it. */
#ifndef KVM_FIRMWARE_H
#define KVM_FIRMWARE_H

#include <stdbool.h>

#include "core/domain.h"
#include "core/err.h"
#include "core/home.h"
#include "kvm/caps.h"

struct firmware {
	bool given; /* else the machine's own, SeaBIOS */
	bool rom;   /* goes into memory by -bios; else the other members count */
	char *code; /* absolute path */
	char *code_format;
	bool code_writable; /* the one flash holds code and variables */
	bool secure;        /* the variables are written from SMM alone */
	bool smm;           /* it needs SMM */
	/* The variables: type, path, host, port as in struct os_nvram. */
	bool has_vars;
	enum nvram_type vars_type;
	char *vars, *vars_format, *vars_host;
	unsigned vars_port;
	char *template; /* for variables that are not there yet; NULL none known */
	char *template_format;
};

/* Where descriptors are looked for and variables are kept. */
struct firmware_env {
	char **dirs; /* NULL-terminated; later ones come first where names are the same */
	char *nvram_dir;
	bool no_smm; /* the accelerator has none: firmware that needs it is passed over */
};

/* dirs: /usr/share/qemu/firmware, /etc/qemu/firmware, the user's qemu/firmware; or what HVMUX_FIRMWARE names, with ':'
 * between. */
void firmware_env_init(struct firmware_env *env, const struct home *h);
void firmware_env_fini(struct firmware_env *env);

/* NOT_FOUND: no firmware here does what the domain asks for. Descriptors are read, nothing else is. */
int firmware_resolve(const struct domain *d, const struct caps *c, const struct firmware_env *env,
    struct firmware *out, struct err *err);
void firmware_fini(struct firmware *f);
/* Before a start: the files are there; variables that are not are made from their template. */
int firmware_prepare(const struct firmware *f, const struct home *h, struct err *err);
/* Where a domain's variables are kept unless it says so itself; on the heap. */
char *firmware_nvram_path(const struct firmware_env *env, const char *name);

#endif
