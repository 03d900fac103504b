/* Frames from a hostile peer: whatever the bytes and the cuts, the decoder stays inside its input,
 * and what it accepts encodes to the same bytes again. */
#include <stdlib.h>
#include <string.h>

#include "serial/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_same(const struct frame *f, const uint8_t *p, size_t n)
{
	uint8_t out[FRAME_SMALL_MAX];
	size_t head;

	if (f->type == FRAME_DATA) {
		frame_data_head(out, f->from, f->n, f->flags & FRAME_LIVE);
		head = FRAME_DATA_HEAD;
	} else if (f->type == FRAME_KEYS) {
		frame_keys_head(out, f->n);
		head = FRAME_HEADER;
	} else {
		head = frame_encode(f, out);
		/* A NUL cuts the text; WELCOME's reserved word is not kept, nor is another version's HELLO. */
		if (head != n || f->type == FRAME_WELCOME ||
		    (f->type == FRAME_HELLO && f->version != FRAME_VERSION))
			return;
	}
	if (memcmp(out, p, head) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t at = 0;

	while (at < size) {
		struct frame f;
		struct err err = {0};
		long used = frame_decode(data + at, size - at, &f, &err);
		uint8_t *exact;

		if (used < 0) {
			if (!err.msg[0])
				abort();
			break;
		}
		if (used == 0)
			break;
		if ((size_t)used > size - at || f.n > FRAME_PAYLOAD_MAX)
			abort();
		/* One byte less is no frame yet. The copy lets the sanitizer see a read past the
		 * end. */
		exact = malloc((size_t)used);
		if (!exact)
			return 0;
		memcpy(exact, data + at, (size_t)used);
		if (frame_decode(exact, (size_t)used - 1, &f, &err) != 0 ||
		    frame_decode(exact, (size_t)used, &f, &err) != used)
			abort();
		check_same(&f, exact, (size_t)used);
		free(exact);
		at += (size_t)used;
	}
	return 0;
}
