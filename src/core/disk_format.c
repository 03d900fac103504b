/* The names of formats: a file of its own, as hvmux-img needs these of a definition and nothing else. */
#include "core/domain_disk.h"

const char *disk_format_name(enum disk_format f)
{
	static const char *const words[DISK_FORMATS] = {[DISK_RAW] = "raw",
	    [DISK_QCOW2] = "qcow2",
	    [DISK_QCOW] = "qcow",
	    [DISK_QED] = "qed",
	    [DISK_VMDK] = "vmdk",
	    [DISK_VDI] = "vdi",
	    [DISK_VHDX] = "vhdx",
	    [DISK_VPC] = "vpc",
	    [DISK_PARALLELS] = "parallels",
	    [DISK_BOCHS] = "bochs",
	    [DISK_CLOOP] = "cloop",
	    [DISK_DMG] = "dmg",
	    [DISK_FAT] = "fat"};
	return words[f];
}
