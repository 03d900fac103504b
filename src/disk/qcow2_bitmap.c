#include "disk/qcow2_bitmap.h"

int qcow2_bitmap_check_write(const struct qcow2 *q, struct err *err)
{
	if (!(q->autoclear & QCOW2_AUTOCLEAR_BITMAPS))
		return 0;
	if (qcow2_extension_find(q, QCOW2_EXT_BITMAPS))
		return err_set(err, ERR_UNSUPPORTED,
		    "'%s' has dirty bitmaps, which would have to record what is written",
		    q->img->name);
	return 0;
}
