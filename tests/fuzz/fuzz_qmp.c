/* Bytes from a QEMU that a guest has taken over: the monitor's client, the machine's view of them and the sampler's
 * readers take all of it, and `closed` comes at most once. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/file.h"
#include "core/jsonl.h"
#include "core/loop.h"
#include "core/mem.h"
#include "kvm/qmp.h"
#include "kvm/sampler.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct target {
	struct qmp *qmp;
	struct status_writer page;
	struct sampler sampler;
	unsigned closed, answers;
};

static void answer(void *arg, struct json_object *result, const struct err *err)
{
	struct target *t = arg;
	if ((result == NULL) && err == NULL && t->closed > 0)
		abort();
	t->answers++;
	sampler_blocks(&t->sampler, t->answers, result);
	sampler_cpus(&t->sampler, result);
	sampler_balloon(&t->sampler, result);
	sampler_guest_stats(&t->sampler, result);
}

static void ready(void *arg, unsigned version)
{
	struct target *t = arg;
	if (version > 999999)
		abort();
	for (int i = 0; i < 3; i++)
		qmp_send(t->qmp, "query-blockstats", NULL, 0, answer, t);
}

static void event(void *arg, const char *name, struct json_object *data, uint64_t time_ns)
{
	(void)arg, (void)name, (void)time_ns;
	json_get_str(data, "reason");
}

static void closed(void *arg, const char *why)
{
	struct target *t = arg;
	if (t->closed++ > 0 || why == NULL)
		abort();
}

static const struct qmp_ops ops = {.ready = ready, .event = event, .closed = closed};

/* The socket's buffer takes less than the largest input: what does not fit is cut off. */
static void feed(int fd, const uint8_t *data, size_t size)
{
	if (send(fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct status_page page;
	static const char hello[] =
	    "{\"QMP\":{\"version\":{\"qemu\":{\"micro\":2,\"minor\":2,\"major\":7}}}}\n{\"return\":{},\"id\":1}\n";
	struct target t = {.page = {.page = &page}};
	int fd[2];
	struct loop *l = loop_new();
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) < 0)
		abort();
	fd_set_nonblock(fd[0], true);
	page.disks = 1;
	sampler_init(&t.sampler, &t.page, "/nonexistent");
	sampler_disk(&t.sampler, 0, "virtio-disk0");
	t.qmp = qmp_new(l, fd[0], &ops, &t);
	/* Half of the inputs get past the greeting by themselves or not at all, the others start behind it. */
	if (size > 0 && (data[0] & 1) != 0)
		feed(fd[1], (const uint8_t *)hello, sizeof(hello) - 1);
	for (size_t half = size / 2, at = 0; at < size; at = half, half = size) {
		feed(fd[1], data + at, half - at);
		for (int i = 0; i < 8; i++)
			event_base_loop(loop_base(l), EVLOOP_NONBLOCK);
		if (half == size)
			break;
	}
	close(fd[1]);
	for (int i = 0; i < 4; i++)
		event_base_loop(loop_base(l), EVLOOP_NONBLOCK);
	qmp_free(t.qmp);
	loop_free(l);
	sampler_fini(&t.sampler);
	return 0;
}
