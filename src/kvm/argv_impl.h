/* argv_impl: what the files of argv*.c share; for nobody else. */
#ifndef KVM_ARGV_IMPL_H
#define KVM_ARGV_IMPL_H

#include "core/buf.h"
#include "kvm/argv.h"

/* One command line in the making; lives on argv_build's stack. */
struct builder {
	const struct domain *d;
	const struct caps *c;
	const struct argv_in *in;
	struct argv_out *out;
	struct buf notes;
	struct err *err;
};

void build_add(struct builder *b, const char *word);
void build_addf(struct builder *b, const char *option, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Option and value; the value's buffer is emptied. */
void build_take(struct builder *b, const char *option, struct buf *value);
/* NAME=VALUE for QEMU's environment. */
void build_env(struct builder *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* ",key=" and the value with QEMU's escape for commas. */
void build_key(struct buf *value, const char *key, const char *text);
/* argv_address.c: ",bus=…,addr=…", ",bus=usb.0,port=1.2" and so on, when the address is given. */
void build_address(struct builder *b, struct buf *value, const struct domain_address *a);
/* ERR_UNSUPPORTED when this QEMU has no such device. */
int build_need(struct builder *b, const char *element, unsigned line, const char *device);
int build_unsupported(struct builder *b, const char *element, unsigned line, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* "-chardev socket,id=ID,…" on a socket handed over or, without descriptors, bound by QEMU. The
 * value has no end: the caller may add to it and takes it. */
void build_chardev(struct builder *b, struct buf *value, const char *id, enum argv_socket_kind kind,
    unsigned index, const char *file);

/* "-chardev socket,id=ID,…", connected to a side process that the supervisor starts (kind TPM, VIRTIOFS):
 * the value has no end, as above. */
void build_chardev_companion(struct builder *b, struct buf *value, const char *id,
    enum argv_socket_kind kind, unsigned index, const char *file);
/* "-object secret,id=ID,…": `text` (a VNC password, a Ceph key in base64, a passphrase; never on the command
 * line) reaches QEMU by a descriptor. Refer to it by password-secret=ID, key-secret=ID. Without
 * descriptors the command line names a file of that name that the reader has to make. */
void build_secret(struct builder *b, const char *id, const char *text);
/* The same of bytes of any kind, in base64. */
void build_secret_base64(struct builder *b, const char *id, const char *base64);

/* Without an option: "c7a5fdbd-edaf-…". */
void build_uuid(struct buf *value, const unsigned char uuid[16]);

/* argv_machine.c */
int build_machine(struct builder *b);
int build_board(struct builder *b);
/* argv_cpu.c */
int build_cpu(struct builder *b);
void build_smp(struct builder *b);
int build_vcpus(struct builder *b);
/* argv_memory.c; …_machine: what they want of -machine. */
void build_memory_machine(struct builder *b, struct buf *machine);
int build_memory(struct builder *b);
int build_numa(struct builder *b);
int build_memdevs(struct builder *b);
/* The id of a memory device's memory: "mem" and the device's own; on the heap. */
char *build_memdev_id(const struct domain_memory *mem, size_t index);
/* argv_firmware.c */
void build_firmware_machine(struct builder *b, struct buf *machine);
void build_firmware(struct builder *b);
void build_security_machine(struct builder *b, struct buf *machine);
int build_security(struct builder *b);
void build_tables(struct builder *b);
/* argv_disk.c */
int build_disks(struct builder *b);
/* argv_devices.c: in the order in which they must come. */
int build_devices(struct builder *b);
/* "-device" with the value, if this QEMU has the device that it begins with; the value is emptied. */
int build_device(struct builder *b, const char *element, unsigned line, struct buf *value);
/* argv_iothread.c: objects that disks and controllers name. */
int build_storage_objects(struct builder *b);
/* argv_controller.c */
int build_controllers(struct builder *b);
/* argv_net.c, argv_chr.c; the other devices: argv_dev.h */
int build_nets(struct builder *b);
int build_chrs(struct builder *b);
/* argv_sound.c: ",pcspk-audiodev=…" for -machine. */
void build_pcspk(struct builder *b, struct buf *machine);

/* --- one device alone, for kvm/plan_argv.c: what it needs first, then itself --- */
int build_disk_objects(struct builder *b, size_t i);
int build_disk(struct builder *b, size_t i);
int build_net(struct builder *b, size_t i);
int build_channel(struct builder *b, unsigned i);
int build_controller(struct builder *b, const struct domain_controller *c);
int build_memdev_one(struct builder *b, size_t i);

/* argv_boot.c: QEMU's bootindex: the device's own order or what <os><boot dev=…> gives to it; 0 none. */
unsigned build_disk_bootindex(const struct domain *d, size_t disk);
unsigned build_net_bootindex(const struct domain *d, size_t net);

#endif
