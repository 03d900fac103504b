/* domain_qemu: libvirt's qemu namespace: <qemu:commandline>, <qemu:override>. Owner: struct domain. */
#ifndef CORE_DOMAIN_QEMU_H
#define CORE_DOMAIN_QEMU_H

#include <stdbool.h>
#include <stddef.h>

#define QEMU_ARGS_MAX 1024

/* One property of a device's front end. */
struct qemu_property {
	char *alias; /* id of the device */
	char *name;
	char *value; /* as QEMU takes it ("on", "0x10", text); NULL: the property is taken away */
	unsigned line;
};

struct domain_qemu {
	char **args;
	size_t n_args;
	char **env; /* NAME=VALUE */
	size_t n_env;
	struct qemu_property *overrides;
	size_t n_overrides;
};

void domain_qemu_fini(struct domain_qemu *q);

#endif
