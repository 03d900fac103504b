/* domain_chr: serial ports, consoles and channels of a definition. Owner: struct domain. */
#ifndef CORE_DOMAIN_CHR_H
#define CORE_DOMAIN_CHR_H

#include "core/domain_dev.h"
#include "core/status.h"

struct domain;

/* libvirt's first <console> of target serial is the same thing as <serial> 0. The order is that of
 * consoleN. */
enum chr_target {
	CHR_ISA_SERIAL,
	CHR_USB_SERIAL,
	CHR_PCI_SERIAL,
	CHR_ISA_DEBUGCON,
	CHR_VIRTIO_CONSOLE
};
struct domain_chr {
	enum chr_target target;
	char *type;     /* of the back end: "pty", "tcp" … */
	bool recorded;  /* a pty: the supervisor's own, which can be attached */
	unsigned port;  /* isa: COM1 is 0; the others: their number among their kind */
	char *log_file; /* <log file=…>: kept; NULL none */
	bool log_append;
	struct domain_attrs attrs;
	struct domain_address address;
	unsigned line, element;
};

enum channel_target { CHANNEL_VIRTIO, CHANNEL_GUESTFWD };
struct domain_channel {
	enum channel_target target;
	char *type;
	char *name; /* "org.qemu.guest_agent.0"; NULL none */
	bool ours;  /* its socket is in the run directory: the guest agent's */
	struct domain_attrs attrs;
	struct domain_address address;
	unsigned line, element;
};

/* A recorded one under the name that the guest's kernel suggests: serial1 is ttyS1, hvc0 is hvc0. */
struct chr_port {
	const struct domain_chr *chr; /* borrowed */
	enum status_port kind;
	unsigned number; /* among its kind, those that are not recorded counted too */
};
/* In the order of consoleN, at most max; returns how many. */
unsigned chr_ports(const struct domain *d, struct chr_port *out, unsigned max);

void chr_fini(struct domain_chr *chr);
void channel_fini(struct domain_channel *channel);

#endif
