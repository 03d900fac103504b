/* Recordings from anybody: the reader stays inside its input and its limits, and what it accepted can be played; and any bytes
 * that are recorded are read back as the same text, however they are cut. */
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "serial/asciicast.h"
#include "serial/vt_screen.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void play(const struct asciicast *c)
{
	struct vt_screen *s = vt_screen_new(c->rows, c->cols, 10, NULL, NULL);
	double last = 0;
	for (size_t i = 0; i < c->n_events; i++) {
		const struct asciicast_event *e = &c->events[i];
		if (!(e->time >= last) || e->time > ASCIICAST_TIME_MAX)
			abort();
		last = e->time;
		if (e->text)
			vt_screen_feed(s, (const uint8_t *)e->text, e->n);
		else if (e->rows < 1 || e->rows > VT_ROWS_MAX || e->cols < 1 ||
		         e->cols > VT_COLS_MAX)
			abort();
		else
			vt_screen_resize(s, e->rows, e->cols);
	}
	vt_screen_free(s);
}

static void write_and_read(const uint8_t *data, size_t size)
{
	struct buf b = BUF_INIT;
	struct asciicast_text t = {0};
	struct asciicast c;
	size_t lines = 0, step = size ? data[0] % 7 + 1u : 1;
	asciicast_header(&b, 24, 80, 0, NULL);
	for (size_t at = 0; at < size; at += step)
		asciicast_output(&b, &t, at * 1000, data + at, size - at < step ? size - at : step);
	asciicast_output_end(&b, &t, size * 1000);
	if (asciicast_parse(b.data, b.len, "written", &c, NULL) < 0 || c.cut)
		abort();
	for (size_t i = 0; i < b.len; i++) {
		unsigned char ch = (unsigned char)b.data[i];
		lines += ch == '\n';
		if ((ch < 0x20 && ch != '\n') || ch == 0x7f)
			abort();
	}
	if (lines != c.n_events + 1)
		abort();
	asciicast_fini(&c);
	buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct asciicast c;
	struct err err = {0};
	char *exact = malloc(size ? size : 1);
	memcpy(exact, data, size);
	if (asciicast_parse(exact, size, "fuzz", &c, &err) == 0) {
		play(&c);
		asciicast_fini(&c);
	} else if (!err.msg[0]) {
		abort();
	}
	free(exact);
	write_and_read(data, size);
	return 0;
}
