/* domain_os: how the guest boots and what its firmware tells it: <os>, <sysinfo>. Owner: struct domain. */
#ifndef CORE_DOMAIN_OS_H
#define CORE_DOMAIN_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/domain_words.h"

#define OS_TABLES_MAX 16u
#define SMBIOS_FIELDS_MAX 512u
#define FWCFG_MAX 128u
#define FWCFG_NAME_MAX 55 /* bytes; QEMU's bound of a name in fw_cfg */

enum os_firmware { FIRMWARE_DEFAULT, FIRMWARE_BIOS, FIRMWARE_EFI };

enum loader_type { LOADER_ROM, LOADER_PFLASH };
struct os_loader {
	char *path; /* NULL: none given, or chosen by firmware= */
	enum loader_type type;
	enum domain_switch readonly, secure, stateless;
	char *format;  /* "raw", "qcow2"; NULL raw */
	unsigned line; /* 0: there is no <loader> */
};

enum nvram_type { NVRAM_FILE, NVRAM_BLOCK, NVRAM_NBD };
struct os_nvram {
	enum nvram_type type;
	char *
	    path; /* of file and block; of nbd: the export's name; NULL: made under our own folder */
	char *host; /* nbd; with its port */
	unsigned port;
	char *template; /* NULL: the firmware's own */
	char *format, *template_format;
	unsigned line; /* 0: there is no <nvram> */
};

enum smbios_mode { SMBIOS_EMULATE, SMBIOS_HOST, SMBIOS_SYSINFO };
/* One -smbios type=N,key=value…: fields follow one another by table. */
struct smbios_field {
	unsigned
	    type; /* SMBIOS structure type: 0 BIOS, 1 system, 2 base board, 3 chassis, 11 OEM strings */
	unsigned table;  /* counts the tables: several base boards may be there */
	const char *key; /* QEMU's */
	char *value;
};

struct os_fwcfg {
	char *name;
	char *value, *file; /* one of them */
};

enum os_table { TABLE_RAW, TABLE_RAWSET, TABLE_SLIC, TABLE_MSDM };
struct os_acpi_table {
	enum os_table type;
	char *path;
};

struct domain_os {
	enum os_firmware firmware; /* chosen among what the host has */
	enum domain_switch secure_boot, enrolled_keys;
	struct os_loader loader;
	struct os_nvram nvram;
	bool boot_menu, boot_menu_given;
	unsigned boot_menu_timeout; /* ms, 0 QEMU's default */
	bool serial_bios;           /* <bios useserial> */
	int reboot_timeout;         /* ms; -1 never, -2 none given */
	enum smbios_mode smbios;
	struct smbios_field *fields; /* of <sysinfo>, used when smbios says so */
	size_t n_fields;
	struct os_fwcfg *fwcfg;
	size_t n_fwcfg;
	struct os_acpi_table *tables;
	size_t n_tables;
};

void domain_os_fini(struct domain_os *os);

#endif
