/* Serial ports, consoles and channels onto the command line. */
#include "kvm/argv_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"

static int build_console(struct builder *b, unsigned i)
{
	const struct domain_chr *chr = &b->d->consoles[i];
	bool serial = chr->target == CHR_ISA_SERIAL;
	char file[32], id[32], chardev[40];
	struct buf value = BUF_INIT;
	snprintf(file, sizeof file, "serial%u.sock", i);
	snprintf(id, sizeof id, "%s%u", serial ? "serial" : "console", serial ? chr->port : i);
	snprintf(chardev, sizeof chardev, "char%s", id);
	build_chardev(b, &value, chardev, ARGV_SOCKET_CONSOLE, i, file);
	if (chr->log_file != NULL) {
		build_key(&value, "logfile", chr->log_file);
		buf_addf(&value, ",logappend=%s", chr->log_append ? "on" : "off");
	}
	build_take(b, "-chardev", &value);
	b->out->n_consoles++;
	if (serial)
		buf_addf(&value, "isa-serial,chardev=%s,id=%s,index=%u", chardev, id, chr->port);
	else
		buf_addf(&value, "virtconsole,chardev=%s,id=%s", chardev, id);
	return build_device(b, serial ? "serial" : "console", chr->line, &value);
}

static int build_channel(struct builder *b, unsigned i)
{
	const struct domain_channel *c = &b->d->channels[i];
	char file[64], id[32];
	struct buf value = BUF_INIT;
	snprintf(id, sizeof id, "charchannel%u", i);
	snprintf(file, sizeof file, "%s.sock", c->name);
	build_chardev(b, &value, id, ARGV_SOCKET_CHANNEL, i, file);
	build_take(b, "-chardev", &value);
	buf_addf(&value, "virtserialport,chardev=%s,id=channel%u,name=%s", id, i, c->name);
	return build_device(b, "channel", c->line, &value);
}

int build_chrs(struct builder *b)
{
	for (unsigned i = 0; i < b->d->n_consoles; i++)
		if (build_console(b, i) < 0)
			return -1;
	for (unsigned i = 0; i < b->d->n_channels; i++)
		if (build_channel(b, i) < 0)
			return -1;
	return 0;
}
