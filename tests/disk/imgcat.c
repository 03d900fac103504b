/* imgcat [-f FORMAT] [-s BYTES] IMAGE: what a guest would read of it, on stdout; -s: in pieces of so many bytes (64 KiB). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/mem.h"
#include "disk/img.h"

static int cat(struct img *im, size_t piece, struct err *err)
{
	CLEANUP_FREE char *buf = xmalloc(piece);
	for (uint64_t at = 0; at < im->size; at += piece) {
		size_t n = im->size - at < piece ? (size_t)(im->size - at) : piece;
		if (img_read(im, at, buf, n, err) < 0)
			return -1;
		if (fwrite(buf, 1, n, stdout) != n)
			return err_set(err, ERR_IO, "cannot write");
	}
	return 0;
}

int main(int argc, char **argv)
{
	const char *format = NULL;
	size_t piece = 64 << 10;
	struct err err = {0};
	for (int c; (c = getopt(argc, argv, "f:s:")) >= 0;)
		if (c == 'f')
			format = optarg;
		else if (c == 's')
			piece = strtoul(optarg, NULL, 10);
		else
			return 2;
	struct img *im = img_open(argv[optind], format, 0, &err);
	if (!im || cat(im, piece, &err) < 0 || img_close(im, &err) < 0) {
		fprintf(stderr, "imgcat: %s\n", err.msg);
		return 1;
	}
	return 0;
}
