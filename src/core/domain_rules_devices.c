/* What may stand in the other devices. */
#include "core/domain_rules.h"

#define VIRTIO "iommu=on|off ats=on|off packed=on|off page_per_vq=on|off"
#define VIRTIO_MODEL "model=virtio|virtio-transitional|virtio-non-transitional"
#define CHARDEV                                                                                  \
	"type=pty|unix|tcp|udp|file|pipe|dev|null|stdio|vc|spicevmc|spiceport|dbus|qemu-vdagent" \
	"|!nmdm tty=/ ~wiremode"

const struct rule rules_devices[] = {
    {"devices/emulator", USED},
    /* What many have. */
    {"devices/@/alias", USED, "name"},
    {"devices/@/acpi", USED, "index=1..16383"},
    {"devices/@/boot", USED, "+order=1..1000 ~loadparm"},
    {"devices/@/rom", USED, "enabled=yes|no bar=on|off file=/"},
    {"devices/@/address", USED,
        PCI_PLACE " controller target unit port iobase irq base cssid ssid devno reg uuid"},
    {"devices/@/driver", USED, VIRTIO},
    {"devices/@/teaming", USED, "+type=persistent|transient persistent"},
    {"devices/@/source", USED,
        "mode=bind|connect host service path append=on|off channel tls=yes|no ~startupPolicy "
        "~tlsFromConfig"},
    {"devices/@/source/reconnect", USED, "enabled=yes|no timeout=0..86400"},
    {"devices/@/source/clipboard", USED, "copypaste=yes|no"},
    {"devices/@/source/mouse", USED, "mode=client|server"},
    {"devices/@/source/seclabel", IDLE},
    {"devices/@/protocol", USED, "type=raw|telnet|!telnets|tls"},
    {"devices/@/log", USED, "+file=/ append=on|off"},

    {"devices/interface", USED,
        "+type=user|bridge|ethernet|direct|network|vhostuser|udp|mcast|server|client|!internal|vdpa"
        "|hostdev|null|!vds ~trustGuestRxFilters managed=yes|no"},
    {"devices/interface/mac", USED, "address ~type=generated|static ~check=yes|no"},
    {"devices/interface/source", USED,
        "network ~portgroup bridge dev mode=vepa|bridge|private|passthrough|client|server path=/ "
        "type=unix|pci|usb address port=1..65535 name ~portid ~missing"},
    {"devices/interface/source/local", USED, "address port=1..65535"},
    {"devices/interface/source/reconnect", USED, "enabled=yes|no timeout=0..86400"},
    {"devices/interface/source/address", USED, PCI_PLACE " uuid device"},
    {"devices/interface/source/ip", IDLE},
    {"devices/interface/source/route", IDLE},
    {"devices/interface/target", USED, "dev managed=yes|no"},
    {"devices/interface/guest", IDLE},
    {"devices/interface/script", USED, "path"},
    {"devices/interface/downscript", USED, "path"},
    {"devices/interface/backenddomain", HARDWARE},
    {"devices/interface/model", USED, "type"},
    {"devices/interface/driver", USED,
        "name=qemu|vhost|vfio|!kvm|!xen queues=1..256 rx_queue_size=1..1024 tx_queue_size=1..1024 "
        "txmode=iothread|timer ioeventfd=on|off event_idx=on|off rss=on|off "
        "rss_hash_report=on|off " VIRTIO},
    {"devices/interface/driver/host", USED,
        "csum=on|off gso=on|off tso4=on|off tso6=on|off ecn=on|off ufo=on|off mrg_rxbuf=on|off"},
    {"devices/interface/driver/guest", USED,
        "csum=on|off tso4=on|off tso6=on|off ecn=on|off ufo=on|off"},
    {"devices/interface/backend", USED, "type=default|passt ~tap vhost=/ logFile=/"},
    {"devices/interface/ip", USED, "+address family=ipv4|ipv6 prefix=0..128 ~peer"},
    {"devices/interface/route", IDLE},
    {"devices/interface/portForward", USED, "+proto=tcp|udp address ~dev"},
    {"devices/interface/portForward/range", USED,
        "+start=1..65535 end=1..65535 to=1..65535 exclude=yes|no"},
    {"devices/interface/link", USED, "+state=up|down"},
    {"devices/interface/mtu", USED, "+size=68..65535"},
    {"devices/interface/coalesce", IDLE},
    {"devices/interface/tune", USED},
    {"devices/interface/tune/sndbuf", USED},
    {"devices/interface/bandwidth", USED},
    {"devices/interface/bandwidth/inbound", USED,
        "+average=0..4294967295 peak=0..4294967295 burst=0..4294967295 ~floor=0..4294967295"},
    {"devices/interface/bandwidth/outbound", USED,
        "+average=0..4294967295 peak=0..4294967295 burst=0..4294967295"},
    {"devices/interface/filterref", IDLE},
    {"devices/interface/vlan", IDLE},
    {"devices/interface/virtualport", IDLE},
    {"devices/interface/port", IDLE},
    {"devices/interface/actual", KEPT},

    {"devices/serial", USED, "+" CHARDEV},
    {"devices/serial/target", USED,
        "type=serial|isa-serial|usb-serial|pci-serial|isa-debug|!spapr-vio-serial|!system-serial|!sclp-serial port=0..255"},
    {"devices/serial/target/model", USED,
        "+name=isa-serial|usb-serial|pci-serial|isa-debugcon|!16550a|!pl011|!spapr-vty"
        "|!sclpconsole|!sclplmconsole"},
    {"devices/parallel", USED, "+" CHARDEV},
    {"devices/parallel/target", USED, "type port=0..2"},
    {"devices/console", USED, CHARDEV},
    {"devices/console/target", USED,
        "type=serial|virtio|!xen|!uml|!lxc|!openvz|!sclp|!sclplm port=0..4096"},
    {"devices/channel", USED, "+" CHARDEV},
    {"devices/channel/target", USED,
        "+type=virtio|guestfwd|!xen name address port=1..65535 state=connected|disconnected"},

    {"devices/graphics", USED,
        "+type=vnc|spice|egl-headless|dbus|!sdl|!rdp|!desktop port autoport=yes|no "
        "tlsPort websocket listen socket=/ passwd passwdValidTo "
        "~connected keymap sharePolicy=allow-exclusive|force-shared|ignore "
        "powerControl=yes|no defaultMode=any|secure|insecure address p2p=yes|no"},
    {"devices/graphics/listen", USED, "+type=address|network|socket|none address socket=/ network"},
    {"devices/graphics/channel", USED,
        "+name=main|display|inputs|cursor|playback|record|smartcard|usbredir "
        "+mode=any|secure|insecure"},
    {"devices/graphics/image", USED, "+compression=auto_glz|auto_lz|quic|glz|lz|off"},
    {"devices/graphics/jpeg", USED, "+compression=auto|never|always"},
    {"devices/graphics/zlib", USED, "+compression=auto|never|always"},
    {"devices/graphics/playback", USED, "+compression=on|off"},
    {"devices/graphics/streaming", USED, "+mode=filter|all|off"},
    {"devices/graphics/clipboard", USED, "+copypaste=yes|no"},
    {"devices/graphics/mouse", USED, "+mode=client|server"},
    {"devices/graphics/filetransfer", USED, "+enable=yes|no"},
    {"devices/graphics/gl", USED, "enable=yes|no rendernode=/"},
    {"devices/graphics/audio", USED, "+id=1..255"},

    {"devices/video", USED},
    {"devices/video/model", USED,
        "+type=vga|cirrus|vmvga|qxl|virtio|none|bochs|ramfb|!xen|!vbox|!gop|!parallels "
        "ram=0..4194304 vram=0..4194304 vram64=0..4194304 vgamem=0..4194304 heads=1..16 "
        "primary=yes|no blob=on|off edid=on|off"},
    {"devices/video/model/acceleration", USED, "accel3d=yes|no ~accel2d=yes|no rendernode=/"},
    {"devices/video/model/resolution", USED, "+x=1..16384 +y=1..16384"},
    {"devices/video/driver", USED, "name=qemu|vhostuser ~vgaconf=io|on|off " VIRTIO},

    {"devices/input", USED,
        "+type=mouse|keyboard|tablet|passthrough|evdev bus=ps2|usb|virtio|!xen|!parallels " VIRTIO_MODEL},
    {"devices/input/source", USED,
        "evdev=/ dev=/ grab=all "
        "grabToggle=ctrl-ctrl|alt-alt|shift-shift|meta-meta|scrolllock|ctrl-scrolllock "
        "repeat=on|off"},

    {"devices/sound", USED,
        "+model=sb16|es1370|pcspk|ac97|ich6|!ich7|ich9|usb multichannel=yes|no"},
    {"devices/sound/codec", USED, "+type=duplex|micro|output"},
    {"devices/sound/audio", USED, "+id=1..255"},
    {"devices/audio", USED,
        "+id=1..255 +type=none|alsa|!coreaudio|jack|oss|pulseaudio|sdl|spice|file|dbus|pipewire "
        "timerPeriod=1..4294967295 tryMMap=yes|no exclusive=yes|no dspPolicy serverName "
        "runtimeDir=/ driver=esd|alsa|arts|pulseaudio|pipewire path"},
#define AUDIO_SIDE                                                                                  \
	"mixingEngine=yes|no fixedSettings=yes|no voices=0..4294967295 bufferLength=0..4294967295 " \
	"dev bufferCount=0..4294967295 tryPoll=yes|no serverName clientName connectPorts "          \
	"exactName=yes|no name streamName latency=0..4294967295"
#define AUDIO_SETTINGS "frequency=1..4294967295 channels=1..255 format=s8|u8|s16|u16|s32|u32|f32"
    {"devices/audio/input", USED, AUDIO_SIDE},
    {"devices/audio/input/settings", USED, AUDIO_SETTINGS},
    {"devices/audio/output", USED, AUDIO_SIDE},
    {"devices/audio/output/settings", USED, AUDIO_SETTINGS},

    {"devices/hub", USED, "+type=usb"},
    {"devices/redirdev", USED, "+bus=usb " CHARDEV},
    {"devices/redirfilter", USED},
    {"devices/redirfilter/usbdev", USED, "class vendor product version +allow=yes|no"},
    {"devices/smartcard", USED, "+mode=host|host-certificates|passthrough " CHARDEV},
    {"devices/smartcard/certificate", USED},
    {"devices/smartcard/database", USED},

    {"devices/memballoon", USED,
        "+model=virtio|virtio-transitional|virtio-non-transitional|none|!xen autodeflate=on|off "
        "freePageReporting=on|off"},
    {"devices/memballoon/stats", USED, "+period=0..86400"},

    {"devices/rng", USED, "+" VIRTIO_MODEL},
    {"devices/rng/rate", USED, "+bytes=1..4294967295 period=1..86400000"},
    {"devices/rng/backend", USED,
        "+model=random|egd|builtin "
        "type=pty|unix|tcp|udp|file|pipe|dev|null|stdio|vc|spicevmc|spiceport|!nmdm"},
    {"devices/rng/backend/source", USED,
        "mode=bind|connect host service path append=on|off tls=yes|no"},
    {"devices/rng/backend/source/reconnect", USED, "enabled=yes|no timeout=0..86400"},
    {"devices/rng/backend/protocol", USED, "type=raw|telnet|!telnets|tls"},

    {"devices/panic", USED, "model=isa|hyperv|pvpanic|!pseries|!s390"},
    {"devices/watchdog", USED,
        "+model=i6300esb|ib700|itco|!diag288 "
        "action=reset|shutdown|poweroff|pause|none|dump|inject-nmi"},

    {"devices/tpm", USED, "model=tpm-tis|tpm-crb|!tpm-spapr|!spapr-tpm-proxy"},
    {"devices/tpm/backend", USED,
        "+type=passthrough|emulator|external version=1.2|2.0 persistent_state=yes|no debug=0..255"},
    {"devices/tpm/backend/device", USED, "path=/"},
    {"devices/tpm/backend/source", USED, "type=unix|file|dir mode=connect path=/"},
    {"devices/tpm/backend/encryption", USED, "+secret"},
    {"devices/tpm/backend/active_pcr_banks", USED},
    {"devices/tpm/backend/active_pcr_banks/sha1", USED},
    {"devices/tpm/backend/active_pcr_banks/sha256", USED},
    {"devices/tpm/backend/active_pcr_banks/sha384", USED},
    {"devices/tpm/backend/active_pcr_banks/sha512", USED},

    {"devices/vsock", USED, VIRTIO_MODEL},
    {"devices/vsock/cid", USED, "auto=yes|no address=3..4294967294"},

    {"devices/hostdev", USED,
        "+mode=subsystem|!capabilities +type=usb|pci|mdev|scsi|scsi_host|!storage|!misc|!net "
        "managed=yes|no model=vfio-pci|!vfio-ccw|!vfio-ap|virtio|virtio-transitional"
        "|virtio-non-transitional display=on|off ramfb=on|off ~sgio=filtered|unfiltered "
        "~rawio=yes|no"},
    {"devices/hostdev/driver", USED, "name=vfio|!kvm|!xen ~model iommufd=yes|no"},
    {"devices/hostdev/source", USED,
        "startupPolicy=mandatory|requisite|optional guestReset=off|uninitialized|on "
        "~writeFiltering protocol=adapter|iscsi|vhost name wwpn"},
    {"devices/hostdev/source/vendor", USED, "+id=0..65535"},
    {"devices/hostdev/source/product", USED, "+id=0..65535"},
    {"devices/hostdev/source/address", USED, PCI_PLACE " device=0..255 uuid target unit port"},
    {"devices/hostdev/source/adapter", USED, "+name"},
    {"devices/hostdev/source/host", USED, "+name port=1..65535"},
    {"devices/hostdev/source/auth", USED, "username"},
    {"devices/hostdev/source/auth/secret", USED, "type=iscsi uuid usage"},
    {"devices/hostdev/source/initiator", USED},
    {"devices/hostdev/source/initiator/iqn", USED, "+name"},
    {"devices/hostdev/readonly", USED},
    {"devices/hostdev/shareable", USED},

    {"devices/filesystem", USED,
        "type=mount|!block|!file|!template|!ram|!bind|!volume "
        "accessmode=passthrough|mapped|squash fmode dmode multidevs=default|remap|forbid|warn " VIRTIO_MODEL},
    {"devices/filesystem/driver", USED,
        "type=path|virtiofs|handle|!loop|!nbd|!ploop|!mtp format wrpolicy=immediate "
        "queue=1..1024 name " VIRTIO},
    {"devices/filesystem/source", USED, "dir=/ socket=/"},
    {"devices/filesystem/target", USED, "+dir"},
    {"devices/filesystem/readonly", USED},
    {"devices/filesystem/space_hard_limit", IDLE},
    {"devices/filesystem/space_soft_limit", IDLE},
    {"devices/filesystem/idmap", USED},
    {"devices/filesystem/idmap/uid", USED, "start target count"},
    {"devices/filesystem/idmap/gid", USED, "start target count"},
    {"devices/filesystem/binary", USED, "path=/ xattr=on|off"},
    {"devices/filesystem/binary/cache", USED, "mode=none|always|auto"},
    {"devices/filesystem/binary/lock", USED, "posix=on|off flock=on|off"},
    {"devices/filesystem/binary/sandbox", USED, "mode=namespace|chroot|none"},
    {"devices/filesystem/binary/thread_pool", USED, "size=0..65535"},
    {"devices/filesystem/binary/openfiles", USED, "max=0..4294967295"},

    {"devices/shmem", USED, "+name role=master|peer"},
    {"devices/shmem/model", USED, "+type=ivshmem-plain|ivshmem-doorbell|!ivshmem"},
    {"devices/shmem/size", USED, "unit"},
    {"devices/shmem/server", USED, "path=/"},
    {"devices/shmem/msi", USED, "vectors=1..2048 ioeventfd=on|off enabled=on|off"},

    {"devices/iommu", USED, "+model=intel|virtio|!smmuv3|!amd"},
    {"devices/iommu/driver", USED,
        "intremap=on|off caching_mode=on|off eim=on|off iotlb=on|off aw_bits=0..64 "
        "dma_translation=on|off xtsup=on|off passthrough=on|off"},

    {"devices/crypto", USED, "+model=virtio +type=qemu"},
    {"devices/crypto/backend", USED, "+model=builtin|!lkcf queues=1..64"},

    {"devices/lease", IDLE},
    {"devices/nvram", HARDWARE},
    {"devices/pstore", HARDWARE},
    {0},
};
