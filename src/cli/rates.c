#include "cli/rates.h"

#include <string.h>

#include "core/mem.h"
#include "core/str.h"

#define RATE_MAX 4294967295ull

const char *rates_field(unsigned field)
{
	static const char *const names[RATE_FIELDS] = {"average", "peak", "burst", "floor"};
	return names[field];
}

int rates_read(const char *element, const char *text, uint64_t v[RATE_FIELDS], struct err *err)
{
	size_t most = str_eq(element, "inbound") ? RATE_FIELDS : RATE_FLOOR;
	memset(v, 0, RATE_FIELDS * sizeof(*v));
	for (unsigned i = 0;; i++) {
		size_t n = strcspn(text, ",");
		CLEANUP_FREE char *word = xstrndup(text, n);
		if (i >= most)
			return err_set(err, ERR_INVALID, "%s format is incorrect", element);
		if ((n > 0 || i == 0) && str_u64(word, RATE_MAX, &v[i]) < 0)
			return err_set(err, ERR_INVALID, "field '%s' is malformed", rates_field(i));
		if (text[n] == '\0')
			return 0;
		text += n + 1;
	}
}
