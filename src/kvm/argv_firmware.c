/* Firmware in flash or memory, and what it tells the guest: SMBIOS, fw_cfg, ACPI tables, encrypted memory. */
#include "kvm/argv_impl.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"

/* --- flash --- */
static void build_flash_file(struct builder *b, unsigned unit, const char *path)
{
	struct buf value = BUF_INIT;
	buf_addf(&value, "driver=file");
	build_key(&value, "filename", path);
	buf_addf(&value, ",node-name=pflash%u-storage,auto-read-only=on,discard=unmap", unit);
	build_take(b, "-blockdev", &value);
}

static void build_flash_nbd(struct builder *b, unsigned unit, const struct firmware *f)
{
	struct buf value = BUF_INIT;
	buf_addf(&value, "driver=nbd,server.type=inet");
	build_key(&value, "server.host", f->vars_host);
	buf_addf(&value, ",server.port=%u", f->vars_port);
	if (f->vars != NULL)
		build_key(&value, "export", f->vars);
	buf_addf(&value, ",node-name=pflash%u-storage,auto-read-only=on,discard=unmap", unit);
	build_take(b, "-blockdev", &value);
}

static void build_flash_format(struct builder *b, unsigned unit, const char *format, bool writable)
{
	build_addf(b, "-blockdev",
	    "node-name=pflash%u-format,read-only=%s,driver=%s,file=pflash%u-storage", unit,
	    writable ? "off" : "on", format != NULL ? format : "raw", unit);
}

void build_firmware(struct builder *b)
{
	const struct firmware *f = b->in->firmware;
	if (f == NULL || !f->given)
		return;
	if (f->rom) {
		build_addf(b, "-bios", "%s", f->code);
		return;
	}
	build_flash_file(b, 0, f->code);
	build_flash_format(b, 0, f->code_format, f->code_writable);
	if (!f->has_vars)
		return;
	if (f->vars_type == NVRAM_NBD)
		build_flash_nbd(b, 1, f);
	else
		build_flash_file(b, 1, f->vars);
	build_flash_format(b, 1, f->vars_format, true);
}

void build_firmware_machine(struct builder *b, struct buf *machine)
{
	const struct firmware *f = b->in->firmware;
	if (f != NULL && f->given && !f->rom)
		buf_adds(machine, f->has_vars ? ",pflash0=pflash0-format,pflash1=pflash1-format"
		                              : ",pflash0=pflash0-format");
}

/* --- SMBIOS, fw_cfg, tables --- */
static void build_smbios(struct builder *b, const struct smbios_field *fields, size_t n)
{
	for (size_t i = 0; i < n;) {
		unsigned table = fields[i].table;
		struct buf value = BUF_INIT;
		buf_addf(&value, "type=%u", fields[i].type);
		for (; i < n && fields[i].table == table; i++)
			build_key(&value, fields[i].key, fields[i].value);
		build_take(b, "-smbios", &value);
	}
}

void build_tables(struct builder *b)
{
	static const char *const signatures[] = {[TABLE_RAW] = "",
	    [TABLE_RAWSET] = "",
	    [TABLE_SLIC] = "sig=SLIC,",
	    [TABLE_MSDM] = "sig=MSDM,"};
	const struct domain_os *os = &b->d->os;
	if (os->smbios == SMBIOS_SYSINFO)
		build_smbios(b, os->fields, os->n_fields);
	if (os->smbios == SMBIOS_HOST && b->in->host_smbios != NULL)
		build_smbios(b, b->in->host_smbios, b->in->n_host_smbios);
	for (size_t i = 0; i < os->n_fwcfg; i++) {
		struct buf value = BUF_INIT;
		build_key(&value, "name", os->fwcfg[i].name);
		build_key(&value, os->fwcfg[i].file != NULL ? "file" : "string",
		    os->fwcfg[i].file != NULL ? os->fwcfg[i].file : os->fwcfg[i].value);
		buf_consume(&value, 1);
		build_take(b, "-fw_cfg", &value);
	}
	for (size_t i = 0; i < os->n_tables; i++) {
		struct buf value = BUF_INIT;
		build_key(&value, "file", os->tables[i].path);
		buf_consume(&value, 1);
		build_addf(b, "-acpitable", "%s%s", signatures[os->tables[i].type], value.data);
		buf_fini(&value);
	}
}

/* --- encrypted memory --- */
#define SECURITY_ID "lsec0"

void build_security_machine(struct builder *b, struct buf *machine)
{
	if (b->d->security.sev)
		buf_adds(machine, ",confidential-guest-support=" SECURITY_ID);
}

int build_security(struct builder *b)
{
	const struct domain_security *s = &b->d->security;
	struct buf value = BUF_INIT;
	if (!s->sev)
		return 0;
	/* Where the encryption bit is, the processor says; a document from another host may say it too. */
	unsigned cbitpos = s->cbitpos > 0 ? s->cbitpos : b->in->sev_cbitpos;
	unsigned reduced = s->reduced_phys_bits > 0 ? s->reduced_phys_bits : b->in->sev_reduced;
	if (cbitpos == 0 || reduced == 0)
		return build_unsupported(b, "launchSecurity", s->line,
		    "<cbitpos> and <reducedPhysBits> are not given, and this host does not tell them");
	buf_addf(&value, "sev-guest,id=" SECURITY_ID ",cbitpos=%u,reduced-phys-bits=%u,policy=0x%x",
	    cbitpos, reduced, s->policy);
	if (s->dh_cert != NULL) {
		CLEANUP_FREE char *path = xasprintf("%s/" ARGV_SEV_CERT, b->in->run_dir);
		build_key(&value, "dh-cert-file", path);
	}
	if (s->session != NULL) {
		CLEANUP_FREE char *path = xasprintf("%s/" ARGV_SEV_SESSION, b->in->run_dir);
		build_key(&value, "session-file", path);
	}
	if (s->kernel_hashes != SWITCH_ABSENT)
		buf_addf(&value, ",kernel-hashes=%s", s->kernel_hashes == SWITCH_ON ? "on" : "off");
	build_take(b, "-object", &value);
	return 0;
}
