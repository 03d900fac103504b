/* vm: what a front end knows of one VM without asking anybody: its definition's existence, its run
 * directory, its supervisor's lock and its status page. The same words in list, dominfo and the
 * dashboard. */
#ifndef CORE_VM_H
#define CORE_VM_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "core/home.h"
#include "core/status.h"
#include "core/vm_process.h"

#define VM_SILENT_NS \
	3000000000ull /* no heartbeat, or a QMP answer owed, for this long: "not answering" */

struct vm {
	char *name;
	bool defined;    /* conf/domains/NAME.xml is there */
	bool has_page;   /* head is valid */
	bool supervised; /* the lock is held */
	bool live;       /* a QEMU process exists, or is being made by a supervisor that exists */
	bool
	    orphan; /* a QEMU process exists and no supervisor: vm_spawn_supervisor(VM_SPAWN_ADOPT) */
	bool unsettled;      /* the page says live, but neither supervisor nor QEMU exists: adopting
	                    settles what happened */
	bool silent;         /* live, and QEMU or the supervisor does not answer */
	enum vm_state state; /* VM_OFF without a page */
	struct status_page *head; /* STATUS_HEAD_SIZE bytes; NULL without a page */
	bool brief;               /* head ends before the devices: STATUS_BRIEF_SIZE bytes */
};

/* Looks at one VM. A name that is neither defined nor in the run directory is ERR_NOT_FOUND:
 * "failed to get domain 'NAME'". */
int vm_probe(const struct home *h, const char *name, struct vm *vm, struct err *err);
void vm_fini(struct vm *vm);
/* All of them, sorted by name (strcmp); *vms is the caller's (vm_list_free). Names found on disk
 * that do not pass name_check are skipped. A directory that cannot be read is an error; one that is
 * missing is an empty list. */
int vm_list(const struct home *h, struct vm **vms, size_t *n, struct err *err);
/* The same with brief heads: for tables that show no devices, in half the time. */
int vm_list_brief(const struct home *h, struct vm **vms, size_t *n, struct err *err);
void vm_list_free(struct vm *vms, size_t n);
/* vm_state_name, or "not answering" where silent; a pause by a fault says which: "paused (I/O error)". */
const char *vm_state_word(const struct vm *vm);

/* Finds by name, else by uuid, else by virsh's Id: what a command line may say. Returns the name on
 * the heap. */
char *vm_resolve(const struct home *h, const char *word, struct err *err);

/* --- the lock: run/NAME/lock, an open-file-description lock held by the supervisor for its life
 * --- */
/* Takes it without waiting: the descriptor, or -1 with ERR_BUSY. Makes the run directory. */
int vm_lock(const struct home *h, const char *name, struct err *err);
/* Keeps it from being started while its disks are read; several may hold it, and to who looks the domain is as it was. */
int vm_lock_shared(const struct home *h, const char *name, struct err *err);
/* A second lock, run/NAME/qemu.lock, whose descriptor QEMU inherits: held for as long as that QEMU lives, whatever became of
 * its supervisor and of the status page. The descriptor, or -1 with ERR_BUSY when another QEMU of this domain lives: one that
 * is dying is waited for, 5 s at most. */
int vm_lock_qemu(const struct home *h, const char *name, struct err *err);
bool vm_locked(const struct home *h, const char *name); /* asks only, takes nothing */
/* The same in the folder run_fd (h->run's). status_fd: NAME/status, -1 when there is none: the page of a supervisor that
 * claimed it (core/status.h) answers without another file being opened. */
bool vm_locked_at(int run_fd, const char *name, int status_fd);

/* --- supervisors --- */
enum { VM_SPAWN_PAUSED = 1, VM_SPAWN_ADOPT = 2, VM_SPAWN_THROWAWAY = 4 };
/* Starts `hvmux supervise NAME` outside this login session and waits until it says that the VM runs
 * (or is adopted), or what failed, in QEMU's own words. Through systemd's hvmux@NAME.service where
 * installed and we are in system mode. */
int vm_spawn_supervisor(const struct home *h, const char *name, unsigned flags, struct err *err);
/* From now on this process's supervisors are forks of it that call `supervise` (kvm/supervisor.h, whose flags are these),
 * instead of programs of their own, which take 3 ms to load their libraries. For a command that has one thread, and nothing
 * open that a supervisor must not have. */
typedef int vm_supervise(const struct home *h, const char *name, unsigned flags, int ready_fd);
void vm_spawn_by_fork(vm_supervise *supervise);
/* The next Id for a VM that starts: a counter in run/.next-id, from 1; 0 when it cannot be written.
 */
unsigned vm_next_id(const struct home *h);
/* Starts adoption for every orphan and unsettled VM of the list without waiting for it to end;
 * for one VM at most every 5 s, whoever asks. */
void vm_adopt_all(const struct home *h, const struct vm *vms, size_t n);

#endif
