/* A console's bytes between two descriptors and a hub that this test plays. */
#include "unit/cm.h"

#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>

#include "cli/raw.h"
#include "core/buf.h"
#include "serial/frame.h"

#define MUCH (8u << 20)

struct pump {
	struct raw raw;
	int in, out, hub; /* our ends */
	int sock, theirs_in, theirs_out;
	enum raw_end end;
	struct err err;
	struct buf told;
	pthread_t thread;
	bool joined;
};

static void on_tell(void *arg, const char *what)
{
	struct pump *p = arg;
	buf_addf(&p->told, "%s|", what);
}

static void *run(void *arg)
{
	struct pump *p = arg;
	p->end = raw_pump(&p->raw, p->sock, &p->err);
	return NULL;
}

static void start(struct pump *p, bool terminal, unsigned wishes)
{
	int in[2], out[2], sock[2];
	struct console_place place = p->raw.place;
	memset(p, 0, sizeof(*p));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sock), 0);
	assert_int_equal(pipe(in) | pipe(out), 0);
	p->in = in[1];
	p->out = out[0];
	p->hub = sock[1];
	p->sock = sock[0];
	p->theirs_in = in[0];
	p->theirs_out = out[1];
	p->raw = (struct raw){.in = in[0],
	    .out = out[1],
	    .terminal = terminal,
	    .escape = 0x1d,
	    .wishes = wishes,
	    .tell = on_tell,
	    .arg = p,
	    .place = place};
	assert_int_equal(pthread_create(&p->thread, NULL, run, p), 0);
}

static void join(struct pump *p)
{
	if (!p->joined)
		pthread_join(p->thread, NULL);
	p->joined = true;
}

static void finish(struct pump *p, enum raw_end end)
{
	int fds[] = {p->in, p->out, p->hub, p->sock, p->theirs_in, p->theirs_out};
	join(p);
	assert_int_equal(p->end, end);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
	buf_fini(&p->told);
}

static void read_exactly(int fd, void *to, size_t n)
{
	for (char *at = to; n > 0;) {
		ssize_t k = read(fd, at, n);
		assert_true(k > 0);
		at += k;
		n -= (size_t)k;
	}
}

static void expect_bytes(int fd, const char *want)
{
	char got[256] = "";
	read_exactly(fd, got, strlen(want));
	assert_memory_equal(got, want, strlen(want));
}

/* --- the hub's part --- */

static void say(struct pump *p, const struct frame *f)
{
	uint8_t bytes[FRAME_SMALL_MAX];
	size_t n = frame_encode(f, bytes);
	assert_int_equal(fd_write_all(p->hub, bytes, n), 0);
}

static void say_data(struct pump *p, uint64_t offset, const void *data, size_t n)
{
	uint8_t head[FRAME_DATA_HEAD];
	frame_data_head(head, offset, n, true);
	assert_int_equal(fd_write_all(p->hub, head, sizeof(head)), 0);
	assert_int_equal(fd_write_all(p->hub, data, n), 0);
}

static void say_who(struct pump *p, bool mine, const char *holder)
{
	struct frame f = {.type = FRAME_WHO, .flags = mine ? FRAME_MINE : 0};
	snprintf(f.text, sizeof(f.text), "%s", holder);
	say(p, &f);
}

/* The next frame of the client's; its bytes are in `payload`. */
static enum frame_type hear(struct pump *p, struct frame *f, uint8_t payload[FRAME_PAYLOAD_MAX])
{
	struct err err = {0};
	read_exactly(p->hub, payload, FRAME_HEADER);
	uint32_t n = frame_length(payload);
	assert_true(n < FRAME_PAYLOAD_MAX - FRAME_HEADER);
	read_exactly(p->hub, payload + FRAME_HEADER, n);
	if (frame_decode(payload, FRAME_HEADER + n, f, &err) <= 0)
		fail_msg("%s", err.msg);
	return f->type;
}

static void welcome(struct pump *p, bool mine, const char *holder)
{
	static uint8_t bytes[FRAME_PAYLOAD_MAX];
	struct frame f;
	assert_int_equal(hear(p, &f, bytes), FRAME_HELLO);
	assert_int_equal(f.want, p->raw.wishes);
	say(p,
	    &(struct frame){
	        .type = FRAME_WELCOME, .version = FRAME_VERSION, .run = 7, .from = 100, .to = 100});
	say_who(p, mine, holder);
}

static void expect_keys(struct pump *p, const char *want)
{
	static uint8_t bytes[FRAME_PAYLOAD_MAX];
	struct frame f;
	assert_int_equal(hear(p, &f, bytes), FRAME_KEYS);
	assert_int_equal(f.n, strlen(want));
	assert_memory_equal(f.bytes, want, f.n);
}

#define TYPE(p, s) assert_int_equal(write((p)->in, s, sizeof(s) - 1), (ssize_t)sizeof(s) - 1)

/* --- */

static void test_both_ways_until_the_console_ends(void **state)
{
	static uint8_t bytes[FRAME_PAYLOAD_MAX];
	struct pump p = {0};
	struct frame f;
	(void)state;
	start(&p, false, CONSOLE_KEYBOARD | CONSOLE_NO_REPLAY);
	welcome(&p, true, "root@?");
	TYPE(&p, "root\x1d\n");
	expect_keys(&p, "root\x1d\n"); /* not a terminal: Ctrl+] is a byte like any other */
	close(p.in);                   /* the input's end is not the console's */
	assert_int_equal(hear(&p, &f, bytes), FRAME_RELEASE);
	say_data(&p, 100, "login: ", 7);
	expect_bytes(p.out, "login: ");
	say(&p, &(struct frame){.type = FRAME_BYE, .text = "the console was \033[closed"});
	p.in = dup(p.out);
	finish(&p, RAW_LOST);
	assert_string_equal(p.raw.why, "the console was \\x1b[closed");
	assert_int_equal(p.raw.place.run, 7);
	assert_int_equal(p.raw.place.offset, 107);
}

static void test_frames_in_any_cuts(void **state)
{
	static uint8_t stream[4096];
	struct pump p = {0};
	size_t n = 0;
	(void)state;
	start(&p, false, CONSOLE_NO_REPLAY);
	welcome(&p, false, "");
	for (unsigned i = 0; i < 100; i++) { /* more pieces than one write takes */
		frame_data_head(stream + n, 100 + i, 1, true);
		n += FRAME_DATA_HEAD;
		stream[n++] = (uint8_t)('a' + i % 26);
	}
	n += frame_encode(&(struct frame){.type = FRAME_GAP, .from = 200, .to = 5200}, stream + n);
	frame_data_head(stream + n, 5200, 3, true);
	n += FRAME_DATA_HEAD;
	memcpy(stream + n, "end", 3);
	n += 3;
	assert_int_equal(fd_write_all(p.hub, stream, n / 2), 0);
	for (size_t i = n / 2; i < n; i++)
		assert_int_equal(write(p.hub, stream + i, 1), 1);
	for (unsigned i = 0; i < 100; i++) {
		char c;
		read_exactly(p.out, &c, 1);
		assert_int_equal(c, 'a' + i % 26);
	}
	expect_bytes(p.out, "end");
	shutdown(p.hub, SHUT_RDWR);
	join(&p);
	assert_int_equal(p.raw.place.offset, 5203);
	assert_string_equal(
	    p.told.data, "4.8K of output was skipped: it was not read fast enough|");
	finish(&p, RAW_LOST);
}

static void detach(bool watch)
{
	struct pump p = {0};
	unsigned wishes = CONSOLE_NO_REPLAY | (watch ? CONSOLE_READ_ONLY : CONSOLE_KEYBOARD);
	start(&p, true, wishes);
	welcome(&p, !watch, "");
	TYPE(&p, "ab\x1d"
	         "c");
	if (!watch)
		expect_keys(&p, "ab"); /* what was typed before it has arrived */
	join(&p);
	char more;
	assert_int_equal(recv(p.hub, &more, 1, MSG_DONTWAIT), -1);
	finish(&p, RAW_DETACHED);
}

static void test_detach_from_a_terminal(void **state)
{
	(void)state;
	detach(false);
}

static void test_a_spectator_types_nothing_and_detaches(void **state)
{
	(void)state;
	detach(true);
}

/* The hub takes nothing, more waits for it than any buffer holds: Ctrl+] is heard all the same. */
static void test_detach_from_a_guest_that_takes_nothing(void **state)
{
	struct pump p = {0};
	CLEANUP_FREE char *paste = xmalloc(1 << 20);
	(void)state;
	memset(paste, 'x', 1 << 20);
	start(&p, true, CONSOLE_KEYBOARD | CONSOLE_NO_REPLAY);
	welcome(&p, true, "");
	assert_int_equal(fd_write_all(p.in, paste, 1 << 20), 0);
	TYPE(&p, "\x1d");
	finish(&p, RAW_DETACHED);
}

static void test_somebody_else_holds_the_keyboard(void **state)
{
	static uint8_t bytes[FRAME_PAYLOAD_MAX];
	struct pump p = {0};
	struct frame f;
	(void)state;
	start(&p, false, CONSOLE_KEYBOARD | CONSOLE_NO_REPLAY);
	welcome(&p, false, "eve@pts/1");
	TYPE(&p, "reboot\n");
	join(&p);
	assert_int_equal(p.err.code, ERR_BUSY);
	assert_string_equal(p.err.msg, "eve@pts/1 holds the keyboard; --force takes it over");
	assert_string_equal(p.told.data, "eve@pts/1 holds the keyboard; --force takes it over|");
	finish(&p, RAW_FAILED);
	p.raw.place = (struct console_place){0};

	start(&p, true, CONSOLE_KEYBOARD | CONSOLE_NO_REPLAY);
	welcome(&p, true, "me");
	say_who(&p, false, "eve@pts/1");
	say_data(&p, 100, "x", 1);
	expect_bytes(p.out, "x");
	say_who(&p, false, "");
	say_data(&p, 101, "y", 1);
	expect_bytes(p.out, "y");
	/* Nobody's: asked for, in time for these keys. */
	TYPE(&p, "ls");
	assert_int_equal(hear(&p, &f, bytes), FRAME_ASK);
	expect_keys(&p, "ls");
	say_who(&p, false, "eve@pts/1");
	say_data(&p, 102, "z", 1);
	expect_bytes(p.out, "z");
	TYPE(&p, "lost\x1d");
	join(&p);
	assert_int_equal(recv(p.hub, bytes, 1, MSG_DONTWAIT), -1);
	assert_string_equal(p.told.data, "eve@pts/1 took the keyboard|");
	finish(&p, RAW_DETACHED);
}

static void test_goes_on_where_it_stood(void **state)
{
	static uint8_t bytes[FRAME_PAYLOAD_MAX];
	struct pump p = {.raw.place = {.run = 7, .offset = 4242}};
	struct frame f;
	(void)state;
	start(&p, false, CONSOLE_KEYBOARD | CONSOLE_NO_REPLAY | CONSOLE_TAKE);
	assert_int_equal(hear(&p, &f, bytes), FRAME_HELLO);
	assert_int_equal(f.want, FRAME_WANT_RESUME); /* it did not have the keyboard */
	assert_int_equal(f.run, 7);
	assert_int_equal(f.from, 4242);
	shutdown(p.hub, SHUT_RDWR);
	finish(&p, RAW_LOST);
}

static void *flood(void *arg)
{
	struct pump *p = arg;
	char *data = xmalloc(MUCH);
	for (unsigned i = 0; i < MUCH; i++)
		data[i] = (char)(i % 251);
	for (unsigned at = 0; at < MUCH; at += FRAME_DATA_MAX)
		say_data(p, 100 + at, data + at, FRAME_DATA_MAX);
	free(data);
	shutdown(p->hub, SHUT_WR);
	return NULL;
}

static void test_much_output_arrives_whole(void **state)
{
	struct pump p = {0};
	pthread_t writer;
	char piece[4096];
	(void)state;
	start(&p, false, CONSOLE_NO_REPLAY);
	welcome(&p, false, "");
	assert_int_equal(pthread_create(&writer, NULL, flood, &p), 0);
	for (unsigned at = 0; at < MUCH;) {
		ssize_t n = read(p.out, piece, sizeof(piece));
		assert_true(n > 0);
		for (ssize_t i = 0; i < n; i++, at++)
			if (piece[i] != (char)(at % 251))
				fail_msg("byte %u is wrong", at);
	}
	pthread_join(writer, NULL);
	finish(&p, RAW_LOST);
	assert_int_equal(p.raw.place.offset, 100 + MUCH);
}

static void test_broken_hubs(void **state)
{
	static const uint8_t bad[][FRAME_DATA_HEAD] = {
	    {FRAME_DATA, 0, 0, 0, 8, 0, 0, 0},
	    {FRAME_DATA, 0, 0, 0, 255, 255, 255, 255},
	    {99, 0, 0, 0, 1, 0, 0, 0},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct pump p = {0};
		start(&p, false, CONSOLE_NO_REPLAY);
		welcome(&p, false, "");
		fd_write_all(p.hub, bad[i], sizeof(bad[i]));
		finish(&p, RAW_LOST);
	}
}

/* Whoever is turned away is told why, and does not come again at once. */
static void test_refused(void **state)
{
	static uint8_t bytes[FRAME_PAYLOAD_MAX];
	struct pump p = {0};
	struct frame f;

	(void)state;
	start(&p, false, 0);
	assert_int_equal(hear(&p, &f, bytes), FRAME_HELLO);
	say(&p, &(struct frame){.type = FRAME_BYE, .text = "too many clients on this console"});
	finish(&p, RAW_LOST);
	assert_true(p.raw.refused);
	assert_string_equal(p.raw.why, "too many clients on this console");
}

static void test_escape_keys(void **state)
{
	static const struct {
		const char *word;
		unsigned char key;
	} good[] = {{"^]", 0x1d}, {"^A", 1}, {"^a", 1}, {"C-b", 2}, {"c-\\", 0x1c}, {"Ctrl+G", 7},
	    {"ctrl-^", 0x1e}, {"^@", 0}};
	static const char *const bad[] = {
	    "", "^", "a", "^1", "^[", "C-m", "^I", "^J", "^H", "C-ab", "^]x", "F12", "C-", "\033"};
	unsigned char key;
	char name[3];
	struct err err = {0};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_int_equal(raw_escape_parse(good[i].word, &key, &err), 0);
		assert_int_equal(key, good[i].key);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(raw_escape_parse(bad[i], &key, &err), -1);
		assert_int_equal(err.code, ERR_USAGE);
	}
	raw_escape_name(0x1d, name);
	assert_string_equal(name, "^]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_both_ways_until_the_console_ends),
	    cmocka_unit_test(test_frames_in_any_cuts),
	    cmocka_unit_test(test_detach_from_a_terminal),
	    cmocka_unit_test(test_detach_from_a_guest_that_takes_nothing),
	    cmocka_unit_test(test_a_spectator_types_nothing_and_detaches),
	    cmocka_unit_test(test_somebody_else_holds_the_keyboard),
	    cmocka_unit_test(test_goes_on_where_it_stood),
	    cmocka_unit_test(test_much_output_arrives_whole),
	    cmocka_unit_test(test_broken_hubs),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_escape_keys),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
