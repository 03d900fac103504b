/* hub: many clients, one keyboard, a guest that is always drained; slow, stopped and hostile peers. */
#include "unit/serial/rig.h"

#include <signal.h>
#include <sys/resource.h>

static uint64_t bytes_seen(struct rig *r)
{
	struct hub_facts f;

	hub_facts(r->hub, &f);
	return f.bytes;
}

static unsigned clients_seen(struct rig *r)
{
	struct hub_facts f;

	hub_facts(r->hub, &f);
	return f.clients;
}

static const char *holder_seen(struct rig *r)
{
	static struct hub_facts f;

	hub_facts(r->hub, &f);
	return f.holder;
}

static bool audited(struct rig *r, const char *s)
{
	return r->audit.data && strstr(r->audit.data, s);
}

/* A client on a bare descriptor: HELLO sent, nothing read. */
static int bare_hello(struct rig *r, unsigned want, const char *tty)
{
	struct frame f = {.type = FRAME_HELLO, .version = FRAME_VERSION, .want = want};
	uint8_t bytes[FRAME_SMALL_MAX];
	int fd = rig_connect(r, "console0.sock");
	unsigned before = clients_seen(r);
	size_t n;

	snprintf(f.text, sizeof(f.text), "%s", tty);
	n = frame_encode(&f, bytes);
	assert_int_equal(send(fd, bytes, n, MSG_NOSIGNAL), (ssize_t)n);
	RIG_UNTIL(r, clients_seen(r) == before + 1);
	return fd;
}

static void test_keyboard(void **state)
{
	struct rig *r = *state;
	struct watcher a, b, c;

	watcher_open(r, &a, CONSOLE_KEYBOARD);
	assert_true(a.who.mine);
	watcher_open(r, &b, CONSOLE_KEYBOARD);
	assert_false(b.who.mine);
	assert_int_equal(b.who.clients, 2);
	assert_string_equal(b.who.holder, a.who.holder);
	RIG_UNTIL(r, a.who.clients == 2);
	console_client_size(b.c, 30, 100);
	console_client_size(a.c, 24, 80);
	RIG_UNTIL(r, b.who.rows == 24 && b.who.cols == 80);
	/* Taken over explicitly: everybody hears of it, and the new holder's size counts. */
	console_client_take(b.c);
	RIG_UNTIL(r, b.who.mine && !a.who.mine);
	RIG_UNTIL(r, b.who.rows == 30 && a.who.rows == 30);
	assert_int_equal(console_client_keys(a.c, "x", 1), 0);
	/* The holder leaves: free; nobody gets it without asking. */
	watcher_close(&b);
	RIG_UNTIL(r, a.who.clients == 1);
	assert_string_equal(a.who.holder, "");
	assert_false(a.who.mine);
	watcher_open(r, &c, CONSOLE_KEYBOARD); /* free: a newcomer who asks gets it */
	assert_true(c.who.mine);
	watcher_open(r, &b, CONSOLE_TAKE);
	assert_true(b.who.mine);
	RIG_UNTIL(r, !c.who.mine);
	assert_true(audited(r, "attached to console 0"));
	assert_true(audited(r, "took the keyboard of console 0 over from"));
	assert_true(audited(r, "left console 0"));
	watcher_close(&a);
	watcher_close(&b);
	watcher_close(&c);
	RIG_UNTIL(r, clients_seen(r) == 0);
	assert_string_equal(holder_seen(r), "");
}

static void test_names(void **state)
{
	struct rig *r = *state;
	int fd = bare_hello(r, FRAME_WANT_KEYBOARD, "pts/3");
	struct stat st;

	/* The user is the kernel's word, here the one who runs the test. */
	assert_non_null(strstr(holder_seen(r), "@pts/3"));
	close(fd);
	RIG_UNTIL(r, clients_seen(r) == 0);
	fd = bare_hello(r, FRAME_WANT_KEYBOARD,
	    "root@pts/9\033[31m\n\x9b"
	    "5n");
	assert_non_null(strstr(holder_seen(r), "@root?pts/9??31m??5n"));
	close(fd);
	RIG_UNTIL(r, clients_seen(r) == 0);
	static const char *const files[] = {"console0.sock", "console0.raw"};
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		CLEANUP_FREE char *path = home_run_file(&r->home, "web1", files[i]);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
	}
}

static void fill(struct buf *b, size_t n)
{
	for (unsigned i = 0; b->len < n; i++)
		buf_addf(b, "%015u\n", i);
}

/* A client that stopped reading: the guest and another client do not notice; later it finds a marked gap. */
static void test_stopped_client(void **state)
{
	struct rig *r = *state;
	struct watcher live;
	struct buf b = BUF_INIT, in = BUF_INIT;
	int fd = bare_hello(r, 0, "pts/1");
	uint64_t at = 0, gaps = 0;
	struct err err;
	ssize_t n;

	watcher_open(r, &live, 0);
	fill(&b, 5u << 20);
	for (size_t done = 0; done < b.len; done += 65536) {
		size_t step = b.len - done < 65536 ? b.len - done : 65536;

		rig_say_n(r, b.data + done, step);
		RIG_UNTIL(r, live.data.len == done + step);
	}
	assert_int_equal(live.gaps, 0);
	assert_memory_equal(live.data.data, b.data, b.len);
	/* Now the other one reads on. */
	for (uint64_t until = loop_now_ms() + DEADLINE_MS; at < b.len && loop_now_ms() < until;) {
		struct frame f;
		long used;

		n = recv(fd, buf_reserve(&in, 65536), 65536, MSG_DONTWAIT);
		if (n <= 0) {
			rig_turn(r);
			continue;
		}
		in.len += (size_t)n;
		while ((used = frame_decode((uint8_t *)in.data, in.len, &f, &err)) > 0) {
			if (f.type == FRAME_DATA) {
				assert_int_equal(f.from, at);
				assert_memory_equal(f.bytes, b.data + at, f.n);
				at = f.to;
			} else if (f.type == FRAME_GAP) {
				assert_int_equal(f.from, at);
				at = f.to;
				gaps++;
			}
			buf_consume(&in, (size_t)used);
		}
		assert_int_equal(used, 0);
	}
	assert_int_equal(at, b.len);
	assert_int_equal(gaps, 1);
	close(fd);
	buf_fini(&b);
	buf_fini(&in);
	watcher_close(&live);
}

/* A megabyte pasted through a guest that reads slowly: all of it arrives, in order, and others live on. */
static void test_paste(void **state)
{
	struct rig *r = *state;
	struct watcher typist, other;
	struct buf paste = BUF_INIT, heard = BUF_INIT;
	size_t given = 0;
	unsigned said = 0;

	fill(&paste, 1u << 20);
	watcher_open(r, &other, 0);
	watcher_open(r, &typist, CONSOLE_KEYBOARD);
	for (uint64_t until = loop_now_ms() + DEADLINE_MS;
	     heard.len < paste.len && loop_now_ms() < until;) {
		ssize_t n = recv(r->guest, buf_reserve(&heard, 4096), 4096, MSG_DONTWAIT);

		if (n > 0)
			heard.len += (size_t)n;
		given += console_client_keys(typist.c, paste.data + given, paste.len - given);
		if (said < 20) {
			rig_say(r, ".");
			said++;
			RIG_UNTIL(r, other.data.len == said);
		}
		event_base_loop(loop_base(r->loop), EVLOOP_NONBLOCK);
	}
	assert_int_equal(heard.len, paste.len);
	assert_memory_equal(heard.data, paste.data, paste.len);
	buf_fini(&paste);
	buf_fini(&heard);
	watcher_close(&typist);
	watcher_close(&other);
}

/* A guest that does not read: its typist waits, the keyboard can be had, and what hung-up typists sent still comes. */
static void test_deaf_guest(void **state)
{
	struct rig *r = *state;
	struct watcher w;
	struct buf keys = BUF_INIT, heard = BUF_INIT;
	uint8_t block[FRAME_HEADER + 1024 + 1]; /* and snprintf's NUL */
	size_t sent = 0;
	int fd = bare_hello(r, FRAME_WANT_KEYBOARD, "pts/1");
	bool full = false;

	for (unsigned i = 0; !full && i < 100000; i++) {
		frame_keys_head(block, 1024);
		for (unsigned k = 0; k < 1024; k += 16)
			snprintf((char *)block + FRAME_HEADER + k, 17, "%015u\n",
			    (i * 64 + k / 16) % 1000000000);
		ssize_t n = -1;
		for (int tries = 0; n < 0 && tries < 20; tries++) {
			n = send(fd, block, FRAME_HEADER + 1024, MSG_NOSIGNAL | MSG_DONTWAIT);
			if (n < 0)
				rig_turn(r);
		}
		full = n < 0;
		if (n > 0) {
			assert_int_equal(n, FRAME_HEADER + 1024);
			sent += 1024;
			buf_add(&keys, block + FRAME_HEADER, 1024);
		}
	}
	assert_true(full); /* two sockets and the queue: no more was taken */
	assert_true(sent < 2u << 20);
	close(fd);
	rig_say(r, "x"); /* output for one who has left does not make its keys be forgotten */
	RIG_UNTIL(r, holder_seen(r)[0] == '\0'); /* the hang-up is seen although it is not read */
	watcher_open(r, &w, 0);
	RIG_UNTIL(r, (rig_hear(r, &heard), heard.len == sent));
	assert_memory_equal(heard.data, keys.data, sent);
	RIG_UNTIL(r, w.who.clients == 1);
	watcher_close(&w);
	buf_fini(&keys);
	buf_fini(&heard);
}

static void test_raw(void **state)
{
	struct rig *r = *state;
	struct watcher w;
	struct buf heard = BUF_INIT;
	char out[64] = "";
	int fd;

	rig_say(r, "history\n");
	RIG_UNTIL(r, bytes_seen(r) == 8);
	fd = rig_connect(r, "console0.raw");
	RIG_UNTIL(r, clients_seen(r) == 1);
	rig_say(r, "now\n");
	RIG_UNTIL(r, recv(fd, out, sizeof(out), MSG_DONTWAIT) == 4);
	assert_string_equal(out, "now\n"); /* plain, and not the history */
	assert_string_equal(holder_seen(r), "");
	assert_int_equal(send(fd, "id\r", 3, 0), 3);
	RIG_UNTIL(r, (rig_hear(r, &heard), heard.len == 3));
	assert_non_null(strstr(holder_seen(r), "@raw"));
	/* Half closed: the keyboard is free again, output still comes. */
	shutdown(fd, SHUT_WR);
	RIG_UNTIL(r, holder_seen(r)[0] == '\0');
	rig_say(r, "uid=0\n");
	RIG_UNTIL(r, recv(fd, out, sizeof(out), MSG_DONTWAIT) == 6);
	close(fd);
	/* Gone for good: noticed although the guest is silent, at the next client at the latest. */
	watcher_open(r, &w, CONSOLE_KEYBOARD);
	RIG_UNTIL(r, w.who.clients == 1);
	fd = rig_connect(r, "console0.raw");
	assert_int_equal(send(fd, "rm -rf /\r", 9, 0), 9);
	RIG_UNTIL(r, audited(r, "typed in vain"));
	buf_clear(&heard);
	rig_hear(r, &heard);
	assert_int_equal(heard.len, 0);
	assert_true(w.who.mine);
	close(fd);
	RIG_UNTIL(r, w.who.clients == 1);
	buf_fini(&heard);
	watcher_close(&w);
}

/* The peer ends the connection; whatever came before is thrown away. */
static bool hung_up(int fd)
{
	char out[4096];
	ssize_t n = recv(fd, out, sizeof(out), MSG_DONTWAIT);

	return n == 0 || (n < 0 && errno == ECONNRESET);
}

static void test_hostile(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
	} bad[] = {
	    {"GET / HTTP/1.1\r\n\r\n", 18},
	    {"\x06\0\0\0\xff\xff\xff\xff", 8},              /* 4 GiB of keys */
	    {"\x06\0\0\0\x01\0\0\0x", 9},                   /* keys before HELLO */
	    {"\x01\0\0\0\x08\0\0\0\x09\0\0\0\0\0\0\0", 16}, /* another version */
	    {"\x01\0\0\0\x08\0\0\0\x01\0\0\0\0\0\0\0\x01\0\0\0\x08\0\0\0\x01\0\0\0\0\0\0\0", 32},
	    {"\x01\0\0\0\x08\0\0\0\x01\0\0\0\0\0\0\0\x04\0\0\0\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
	        40},
	};
	struct rig *r = *state;
	struct watcher w;
	int silent[2];
	unsigned seed = 1;

	watcher_open(r, &w, CONSOLE_KEYBOARD);
	silent[0] = rig_connect(r, "console0.sock");
	silent[1] = rig_connect(r, "console0.sock");
	assert_int_equal(send(silent[1], "\x01\0\0\0\x10\0", 6, 0), 6); /* half a frame */
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		int fd = rig_connect(r, "console0.sock");

		send(fd, bad[i].bytes, bad[i].n, MSG_NOSIGNAL);
		RIG_UNTIL(r, hung_up(fd));
		close(fd);
	}
	for (int i = 0; i < 50; i++) {
		char junk[512];
		int fd = rig_connect(r, i % 2 ? "console0.sock" : "console0.raw");

		for (size_t k = 0; k < sizeof(junk); k++)
			junk[k] = (char)(rand_r(&seed) >> 7);
		send(fd, junk, sizeof(junk), MSG_NOSIGNAL);
		rig_turn(r);
		close(fd);
	}
	/* Nobody else noticed. */
	rig_say(r, "still here");
	RIG_UNTIL(r, WATCHER_HAS(&w, "still here"));
	RIG_UNTIL(r, clients_seen(r) == 1);
	assert_true(w.who.mine);
	assert_int_equal(w.gaps, 0);
	/* Who never said HELLO does not keep its place. */
	RIG_UNTIL(r, (close(rig_connect(r, "console0.raw")), rig_turn(r), hung_up(silent[0])));
	RIG_UNTIL(r, hung_up(silent[1]));
	close(silent[0]);
	close(silent[1]);
	watcher_close(&w);
}

static void test_too_many(void **state)
{
	struct rig *r = *state;
	int fds[HUB_CLIENTS_MAX];
	struct watcher w;

	for (unsigned i = 0; i < HUB_CLIENTS_MAX; i++)
		fds[i] = bare_hello(r, 0, "pts/1");
	watcher_open(r, &w, 0);
	RIG_UNTIL(r, w.closed);
	assert_string_equal(w.why, "too many clients on this console");
	watcher_close(&w);
	for (unsigned i = 0; i < HUB_CLIENTS_MAX; i++)
		close(fds[i]);
	RIG_UNTIL(r, clients_seen(r) == 0);
	watcher_open(r, &w, 0);
	assert_int_equal(w.who.clients, 1);
	watcher_close(&w);
}

static void test_trickle(void **state)
{
	struct rig *r = *state;
	struct watcher w;
	struct buf heard = BUF_INIT;
	unsigned frames = 0, all = 300, fast = 0;

	watcher_open(r, &w, CONSOLE_KEYBOARD);
	/* A byte at a time, the hub reading each: far fewer frames than bytes. */
	for (unsigned i = 0; i < all; i++) {
		size_t before = w.data.len;

		rig_say(r, "x");
		for (int k = 0; k < 3; k++)
			event_base_loop(loop_base(r->loop), EVLOOP_NONBLOCK);
		frames += w.data.len > before;
	}
	RIG_UNTIL(r, w.data.len == all);
	assert_true(frames < all / 2);
	/* An echo does not wait for the others. */
	for (unsigned i = 0; i < 50; i++) {
		size_t before = w.data.len;
		uint64_t t0 = loop_now_ns();

		console_client_keys(w.c, "k", 1);
		buf_clear(&heard);
		while (heard.len == 0 && loop_now_ns() - t0 < 1000000000u) {
			event_base_loop(loop_base(r->loop), EVLOOP_NONBLOCK);
			rig_hear(r, &heard);
		}
		rig_say(r, "k");
		while (w.data.len == before && loop_now_ns() - t0 < 1000000000u)
			event_base_loop(loop_base(r->loop), EVLOOP_NONBLOCK);
		fast += loop_now_ns() - t0 < HUB_COALESCE_US * 1000u;
	}
	assert_true(fast >= 25); /* the median, on a machine that others use too */
	buf_fini(&heard);
	watcher_close(&w);
}

static void slurp_log(struct rig *r, struct buf *b)
{
	CLEANUP_FREE char *path = home_log_file(&r->home, "web1", "console0.log");
	struct err err = {0};

	if (file_read(path, 64u << 20, b, &err) < 0)
		fail_msg("%s", err.msg);
}

/* The supervisor dies and another one adopts: history and log go on where they stood. */
static void test_adopted(void **state)
{
	struct rig *r = *state;
	struct watcher w;
	struct buf log = BUF_INIT;

	rig_say(r, "one ");
	RIG_UNTIL(r, bytes_seen(r) == 4);
	hub_free(r->hub);
	close(r->guest);
	rig_hub(r, true);
	assert_int_equal(bytes_seen(r), 4);
	rig_say(r, "two");
	watcher_open(r, &w, 0);
	RIG_UNTIL(r, WATCHER_HAS(&w, "one two"));
	watcher_close(&w);
	hub_free(r->hub);
	r->hub = NULL;
	slurp_log(r, &log);
	assert_int_equal(strncmp(log.data, "one \n[hvmux: connected to the guest anew", 40), 0);
	assert_string_equal(strstr(log.data, "Z]\n"), "Z]\ntwo");
	close(r->guest);
	rig_hub(r, false); /* a new start of the VM: the ring is new, the log goes on */
	assert_int_equal(bytes_seen(r), 0);
	buf_fini(&log);
}

static void test_guest_reconnects(void **state)
{
	struct rig *r = *state;
	struct watcher w;

	watcher_open(r, &w, 0);
	rig_say(r, "last words");
	close(r->guest);
	RIG_UNTIL(r, !hub_guest_attached(r->hub));
	RIG_UNTIL(r, WATCHER_HAS(&w, "last words"));
	assert_false(w.closed);
	rig_guest(r);
	rig_say(r, "; back");
	RIG_UNTIL(r, WATCHER_HAS(&w, "last words; back"));
	watcher_close(&w);
}

/* The disk takes no more: guest and clients do not notice; what the ring still had is in the log afterwards. */
static void test_log_disk_full(void **state)
{
	struct rig *r = *state;
	struct watcher w;
	struct buf b = BUF_INIT, log = BUF_INIT;
	struct rlimit old, tight;
	CLEANUP_FREE char *path = home_log_file(&r->home, "web1", "console0.log");
	struct stat st;

	signal(SIGXFSZ, SIG_IGN);
	fill(&b, 100000);
	watcher_open(r, &w, 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	tight = old;
	tight.rlim_cur = 5000;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	rig_say_n(r, b.data, b.len);
	RIG_UNTIL(r, w.data.len == b.len);
	RIG_UNTIL(r, stat(path, &st) == 0 && st.st_size == 5000);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	RIG_UNTIL(r, stat(path, &st) == 0 && (size_t)st.st_size == b.len); /* by itself */
	slurp_log(r, &log);
	assert_memory_equal(log.data, b.data, b.len);
	buf_fini(&b);
	buf_fini(&log);
	watcher_close(&w);
}

/* … and what it had not any more is a hole with its size: told when it begins and when it is over, kept in the figures. */
static void test_log_hole(void **state)
{
	struct rig *r = *state;
	struct buf b = BUF_INIT, log = BUF_INIT;
	struct rlimit old, tight;
	struct hub_facts f;
	CLEANUP_FREE char *mark = NULL;

	signal(SIGXFSZ, SIG_IGN);
	fill(&b, 3u << 20);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	tight = old;
	tight.rlim_cur = 5000;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	rig_say_n(r, b.data, b.len);
	hub_drain(r->hub);
	RIG_UNTIL(r, r->troubles == 1);
	assert_string_equal(r->trouble, strerror(EFBIG));
	hub_facts(r->hub, &f);
	assert_string_equal(f.log_trouble, strerror(EFBIG));
	assert_true(f.log_missing > 0);
	assert_int_equal(r->mended, 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	RIG_UNTIL(r, r->mended == 1); /* by itself */
	hub_facts(r->hub, &f);
	assert_string_equal(f.log_trouble, "");
	assert_int_equal(r->missing, f.log_missing);
	hub_free(r->hub);
	r->hub = NULL;
	slurp_log(r, &log);
	mark = xasprintf("[hvmux: %llu bytes are missing here: %s]\n",
	    (unsigned long long)f.log_missing, strerror(EFBIG));
	assert_non_null(strstr(log.data, mark));
	assert_int_equal(log.len + f.log_missing, b.len + strlen(mark) + 1);
	assert_int_equal(r->troubles, 1);
	buf_fini(&b);
	buf_fini(&log);
}

static void test_facts(void **state)
{
	struct rig *r = *state;
	struct hub_facts f;

	rig_say(r, "Debian\r\n\033[1mweb1 login:\033[0m \r\n\r\n");
	RIG_UNTIL(r, bytes_seen(r) > 0 && r->changes > 0);
	hub_facts(r->hub, &f);
	assert_string_equal(f.line, "web1 login:");
	assert_true(f.last_ns > 0);
	char *lines = hub_last_lines(r->hub, 5);
	assert_string_equal(lines, "Debian\nweb1 login:");
	free(lines);
	/* At most one call in 50 ms, however much is said. */
	uint64_t t0 = loop_now_ms();
	unsigned before = r->changes;
	while (loop_now_ms() - t0 < 500) {
		rig_say(r, "y");
		rig_turn(r);
	}
	assert_true(r->changes > before);
	assert_true(r->changes - before <= (loop_now_ms() - t0) / 50 + 1);
}

static void test_freed_in_audit(void **state)
{
	struct rig *r = *state;
	int a = bare_hello(r, FRAME_WANT_KEYBOARD, "pts/1"), b = bare_hello(r, 0, "pts/2");

	r->free_in_audit = true;
	close(a);
	RIG_UNTIL(r, !r->hub);
	RIG_UNTIL(r, hung_up(b));
	close(b);
}

static void test_freed_in_changed(void **state)
{
	struct rig *r = *state;
	int a = bare_hello(r, FRAME_WANT_KEYBOARD, "pts/1");

	r->free_in_changed = true;
	rig_say(r, "x");
	RIG_UNTIL(r, !r->hub);
	RIG_UNTIL(r, hung_up(a));
	close(a);
}

#define RIG_TEST(t) cmocka_unit_test_setup_teardown(t, rig_setup, rig_teardown)

static void on_tap(void *arg, const void *p, size_t n)
{
	buf_add(arg, p, n);
}

/* All that the guest says while somebody listens; what is typed into it while nobody else may. */
static void test_tap(void **state)
{
	struct rig *r = *state;
	struct watcher a;
	CLEANUP_BUF struct buf heard = BUF_INIT;
	CLEANUP_BUF struct buf tail = BUF_INIT;
	char keys[16];

	hub_set_tap(r->hub, on_tap, &heard);
	assert_int_equal(write(r->guest, "one", 3), 3);
	RIG_UNTIL(r, heard.len == 3);
	/* Through the ring's end and on at its beginning. */
	for (unsigned i = 0; i < RING_SIZE_DEFAULT / 4096 + 1; i++) {
		static const char page[4096] = "two";

		assert_int_equal(write(r->guest, page, sizeof(page)), (ssize_t)sizeof(page));
		RIG_UNTIL(r, heard.len == 3 + (i + 1) * sizeof(page));
	}
	hub_tail(r->hub, 4096, &tail);
	assert_int_equal(tail.len, 4096);
	assert_memory_equal(tail.data, heard.data + heard.len - 4096, 4096);
	assert_int_equal(hub_type(r->hub, "yes\r", 4), 0);
	assert_int_equal(read(r->guest, keys, sizeof(keys)), 4);
	assert_memory_equal(keys, "yes\r", 4);
	watcher_open(r, &a, CONSOLE_KEYBOARD);
	assert_int_equal(hub_type(r->hub, "yes\r", 4), -1);
	watcher_close(&a);
	hub_set_tap(r->hub, NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    RIG_TEST(test_tap),
	    RIG_TEST(test_keyboard),
	    RIG_TEST(test_names),
	    RIG_TEST(test_stopped_client),
	    RIG_TEST(test_paste),
	    RIG_TEST(test_deaf_guest),
	    RIG_TEST(test_raw),
	    RIG_TEST(test_hostile),
	    RIG_TEST(test_too_many),
	    RIG_TEST(test_trickle),
	    RIG_TEST(test_adopted),
	    RIG_TEST(test_guest_reconnects),
	    RIG_TEST(test_log_disk_full),
	    RIG_TEST(test_log_hole),
	    RIG_TEST(test_facts),
	    RIG_TEST(test_freed_in_audit),
	    RIG_TEST(test_freed_in_changed),
	};
	return cmocka_run_group_tests_name("hub", tests, NULL, NULL);
}
