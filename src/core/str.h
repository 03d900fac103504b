/* str: small string helpers: checks and conversions that a locale cannot change. */
#ifndef CORE_STR_H
#define CORE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

bool str_eq(const char *a, const char *b); /* NULL equals NULL only */
/* FNV-1a, 64 bits: for names of files, not against enemies. */
uint64_t str_hash(const char *s);
bool str_prefix(const char *s, const char *prefix);
/* Strict: whole string, decimal digits only (no sign, no space), within 0..max. 0 or -1; *out
 * untouched on -1. */
int str_u64(const char *s, uint64_t max, uint64_t *out);
/* May it stand in a line for an operator? No control character, C1 included, none that turns the direction of writing, none
 * that cannot be seen (joiners, which words of some languages need, may). */
bool str_char_safe(uint32_t cp);
/* The same, without joiners and soft hyphens either: a guest's word that holds one is not found by who looks for it. */
bool str_char_visible(uint32_t cp);
/* In place: what may not, and every byte of broken UTF-8, becomes '?'. */
void str_make_safe(char *s);
/* A copy in which every character that is not safe, and every byte of broken UTF-8, is shown as
 * \xNN. For text from guests, files and other programs on its way into a message. At most max bytes
 * are kept. */
char *str_printable(const char *s, size_t n, size_t max);
/* The same, whole, with line ends and tabs kept: for messages on their way to a terminal. */
char *str_printable_lines(const char *s);
/* Valid UTF-8 (no overlongs, no surrogates, <= U+10FFFF)? */
bool str_utf8_valid(const char *s, size_t n);
/* 1234567 bytes → "1.2M" into out (at most 7 characters and NUL): three significant digits at most,
 * binary units. */
#define STR_HUMAN_MAX 12
void str_human(uint64_t bytes, char out[STR_HUMAN_MAX]);
/* Seconds → "59s", "12m", "3h05m", "3d04h", "12w3d". */
void str_age(uint64_t seconds, char out[STR_HUMAN_MAX]);
/* The name of a domain, network, pool: 1 to NAME_MAX_BYTES bytes of valid UTF-8 without '/',
 * control characters, a leading '.' or '-', or white space at either end. The error names what is
 * wrong. */
#define NAME_MAX_BYTES 200
int name_check(const char *what, const char *name, struct err *err);

#endif
