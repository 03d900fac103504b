/* vm_process: run/NAME/process, which processes run a VM. It is what a supervisor is killed and
 * replaced by: its form never changes, so that the program of any later or earlier version finds
 * the QEMU of this one, whatever became of the status page's layout. One writer: who holds
 * run/NAME/lock, and its child until that has become QEMU.
 *
 *	hvmux process 1
 *	qemu 4711 1234567
 *	supervisor 4700 1234560
 *	id 12
 *	boot 1b2f3c44-…
 *
 * Each process is its pid and field 22 of /proc/PID/stat, which together name it for good; 0 0 is
 * none. Lines with other words are for others. Always 256 bytes, padded with spaces: every write is
 * one pwrite over the last. */
#ifndef CORE_VM_PROCESS_H
#define CORE_VM_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/err.h"
#include "core/home.h"

#define VM_PROCESS_SIZE 256

struct vm_process {
	pid_t qemu, sup; /* 0 none */
	uint64_t qemu_start, sup_start;
	unsigned id;         /* virsh's; 0 none */
	uint8_t boot_id[16]; /* of the host when QEMU was made; zeroes: not known */
};

/* A descriptor for vm_process_write; makes the file. The caller closes it. */
int vm_process_open(const struct home *h, const char *name, struct err *err);
/* Async-signal-safe enough for a child between fork and exec. -1 with errno. */
int vm_process_write(int fd, const struct vm_process *p);
/* false: nothing is known (*p is all zero then). A VM of a version that wrote no such file is found
 * by its status page. run_fd: the folder h->run. */
bool vm_process_read_at(int run_fd, const char *name, struct vm_process *p);
bool vm_process_read(const struct home *h, const char *name, struct vm_process *p);

/* Does a process with this pid and start time exist? A zombie does not. */
bool vm_process_exists(pid_t pid, uint64_t start);
uint64_t vm_process_start(pid_t pid); /* 0: none */
bool vm_process_stopped(pid_t pid);   /* by a signal, until SIGCONT */
/* Does the QEMU of *p exist in this boot of the host? */
bool vm_process_qemu_exists(const struct vm_process *p);
/* This boot's; zeroes when the kernel does not tell. */
void vm_process_boot_id(uint8_t out[16]);

#endif
