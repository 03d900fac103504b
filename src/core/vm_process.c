#include "core/vm_process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <uuid.h>

#include "core/mem.h"
#include "core/status.h"
#include "core/str.h"

#define HEADING "hvmux process 1\n"
#define NAME_FILE_MAX (STATUS_NAME_MAX + sizeof("/process"))

/* The process's state as proc(5) has it, 0 when there is none. */
static char state_of(pid_t pid, unsigned long long *start)
{
	char path[48], text[1024];
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	/* The command's name may hold spaces and parentheses: fields count from the last ')'. */
	char *p = strrchr(text, ')');
	char state = 0;
	if (!p ||
	    sscanf(p + 1,
	        " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu",
	        &state, start) != 2)
		return 0;
	return state;
}

uint64_t vm_process_start(pid_t pid)
{
	unsigned long long start = 0;
	char state = state_of(pid, &start);
	return !state || state == 'Z' || state == 'X' ? 0 : start;
}

bool vm_process_stopped(pid_t pid)
{
	unsigned long long start = 0;
	return pid > 0 && state_of(pid, &start) == 'T';
}

bool vm_process_exists(pid_t pid, uint64_t start)
{
	return pid > 0 && start != 0 && vm_process_start(pid) == start;
}

void vm_process_boot_id(uint8_t out[16])
{
	char text[37] = "";
	uuid_t id;
	memset(out, 0, 16);
	CLEANUP_CLOSE int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && read(fd, text, 36) == 36 && uuid_parse(text, id) == 0)
		memcpy(out, id, 16);
}

bool vm_process_qemu_exists(const struct vm_process *p)
{
	static const uint8_t unknown[16];
	uint8_t now[16];
	if (p->qemu <= 0)
		return false;
	vm_process_boot_id(now);
	if (memcmp(p->boot_id, unknown, 16) != 0 && memcmp(p->boot_id, now, 16) != 0)
		return false;
	return vm_process_exists(p->qemu, p->qemu_start);
}

int vm_process_open(const struct home *h, const char *name, struct err *err)
{
	CLEANUP_FREE char *path = home_run_file(h, name, "process");
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_errno(err, errno, "cannot open '%s'", path);
	home_share(h, path, 0640);
	return fd;
}

int vm_process_write(int fd, const struct vm_process *p)
{
	char text[VM_PROCESS_SIZE + 1], boot[37];
	uuid_unparse_lower(p->boot_id, boot);
	int n = snprintf(text, sizeof(text),
	    HEADING "qemu %d %llu\nsupervisor %d %llu\nid %u\nboot %s\n", (int)p->qemu,
	    (unsigned long long)p->qemu_start, (int)p->sup, (unsigned long long)p->sup_start, p->id,
	    boot);
	memset(text + n, ' ', VM_PROCESS_SIZE - (size_t)n);
	text[VM_PROCESS_SIZE - 1] = '\n';
	ssize_t done = pwrite(fd, text, VM_PROCESS_SIZE, 0);
	if (done >= 0 && done != VM_PROCESS_SIZE)
		errno = ENOSPC;
	return done == VM_PROCESS_SIZE ? 0 : -1;
}

static void read_line(const char *line, struct vm_process *p)
{
	int pid;
	unsigned id;
	unsigned long long start;
	char boot[37];
	uuid_t uuid;
	if (sscanf(line, "qemu %d %llu", &pid, &start) == 2) {
		p->qemu = pid;
		p->qemu_start = start;
	} else if (sscanf(line, "supervisor %d %llu", &pid, &start) == 2) {
		p->sup = pid;
		p->sup_start = start;
	} else if (sscanf(line, "id %u", &id) == 1) {
		p->id = id;
	} else if (sscanf(line, "boot %36s", boot) == 1 && uuid_parse(boot, uuid) == 0) {
		memcpy(p->boot_id, uuid, 16);
	}
}

static bool read_file(int run_fd, const char *name, struct vm_process *p)
{
	char path[NAME_FILE_MAX], text[VM_PROCESS_SIZE + 1];
	snprintf(path, sizeof(path), "%s/process", name);
	CLEANUP_CLOSE int fd = openat(run_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || pread(fd, text, VM_PROCESS_SIZE, 0) != VM_PROCESS_SIZE)
		return false;
	text[VM_PROCESS_SIZE] = '\0';
	if (!str_prefix(text, HEADING))
		return false;
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		read_line(line, p);
	}
	return true;
}

/* Version 1 of the page came without this file; its pids stand where those of version 2 do
 * (asserted in core/status.c). */
static bool read_page(int run_fd, const char *name, struct vm_process *p)
{
	char path[NAME_FILE_MAX];
	const size_t n = offsetof(struct status_page, started_ns);
	CLEANUP_FREE struct status_page *page = xmalloc(n);
	snprintf(path, sizeof(path), "%s/status", name);
	CLEANUP_CLOSE int fd = openat(run_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || pread(fd, page, n, 0) != (ssize_t)n || page->magic != STATUS_MAGIC ||
	    page->version < 1 || page->version > STATUS_VERSION)
		return false;
	p->qemu = page->qemu_pid;
	p->qemu_start = page->qemu_start;
	p->sup = page->sup_pid;
	p->sup_start = page->sup_start;
	p->id = page->id;
	return true;
}

bool vm_process_read_at(int run_fd, const char *name, struct vm_process *p)
{
	memset(p, 0, sizeof(*p));
	/* No QEMU by the file: one may have been made by a version that knew none. */
	bool known = read_file(run_fd, name, p);
	return (known && p->qemu > 0) || read_page(run_fd, name, p) || known;
}

bool vm_process_read(const struct home *h, const char *name, struct vm_process *p)
{
	memset(p, 0, sizeof(*p));
	CLEANUP_CLOSE int run_fd = open(h->run, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return run_fd >= 0 && vm_process_read_at(run_fd, name, p);
}
