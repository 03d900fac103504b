/* huffman: codes of at most a given length, canonical, as deflate wants them (RFC 1951, 3.2.2): the first bit is the lowest.
 * Pure. */
#ifndef DISK_HUFFMAN_H
#define DISK_HUFFMAN_H

#include <stdint.h>

#define HUFFMAN_SYMBOLS_MAX 288u
#define HUFFMAN_BITS_MAX 15u

struct huffman {
	uint16_t code;
	uint8_t bits; /* 0: does not occur */
};

/* From how often each of n symbols occurs; at most `most` bits, 2^most >= n. There are always two codes at least: decoders
 * want a whole tree. */
void huffman_make(struct huffman *h, const uint32_t *freq, unsigned n, unsigned most);
/* Only the codes, from the lengths. */
void huffman_codes(struct huffman *h, unsigned n);

#endif
