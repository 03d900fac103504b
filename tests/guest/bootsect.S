/* bootsect: a guest in 512 bytes that talks on COM1 (115200 8N1). Needs no 64-bit CPU, so it runs under KVM wherever
 * /dev/kvm opens. Idle it halts with only the UART's interrupt open: no CPU time at all.
 *
 * It echoes what is typed and answers lines: "ping" with "pong"; "spin" uses the CPU until a key comes; "off" powers the
 * machine off; "reset" resets it; "panic" tells pvpanic; "bite" arms the ib700 watchdog and forgets it;
 * "fill" writes to the second disk, a dot per 32 KiB, until a key comes or it ends ("!"). Anything else: "?".
 * The ACPI power button is ignored, as by a guest that hangs; assembled with BUTTON it powers the machine off.
 * Sources: 16550 UART and 8259A data sheets; QEMU's PIIX4 and ICH9 power management with SeaBIOS (base 0x600); QEMU,
 * docs/specs/pvpanic and hw/watchdog/wdt_ib700.c; BIOS enhanced disk drive services. */
	.code16
	.set COM1, 0x3f8
	.set LINE_MAX, 32
	.set line, 0x7e00 /* the line being typed, after us in memory */

	.globl start
start:
	ljmp $0, $main /* some BIOSes enter at 07c0:0000 */
main:
	cli
	xorw %ax, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	movw $start, %sp
	cld

	/* IRQ 4 is vector 12; all others stay masked, the timer too. */
	movw $irq, 12 * 4
	movw %ax, 12 * 4 + 2
#ifdef BUTTON
	/* IRQ 9, the ACPI chip's, is vector 0x71; it comes by way of IRQ 2. */
	movw $off, 0x71 * 4
	movw %ax, 0x71 * 4 + 2
	movb $0x01, %ah
	movw $0x602, %dx /* PM1a enable: power button */
	outw %ax, %dx
	movw $0xfdeb, %ax
#else
	movw $0xffef, %ax
#endif
	outb %al, $0x21
	movb %ah, %al
	outb %al, $0xa1

	movw $uart, %si
1:	lodsw /* register, value */
	testb %al, %al
	jz 2f
	movzbw %al, %dx
	addw $COM1 & 0xff00, %dx
	movb %ah, %al
	outb %al, %dx
	jmp 1b
2:	movw $banner, %si
	call puts

prompt:
	movw $ps1, %si
	call puts
	movw $line, %di
next:
	call getc
	cmpb $'\r', %al
	je enter
	cmpb $'\n', %al
	je enter
	cmpb $8, %al
	je rubout
	cmpb $127, %al
	je rubout
	cmpw $line + LINE_MAX, %di
	jae next
	stosb
	call putc
	jmp next
rubout:
	cmpw $line, %di
	je next
	decw %di
	movw $erase, %si
	call puts
	jmp next

enter:
	movb $0, (%di)
	movw $crlf, %si
	call puts
	cmpb $0, line
	je prompt
	/* commands: word NUL handler(2) … */
	movw $commands, %bx
try:
	movw $line, %di
	movw %bx, %si
1:	lodsb
	scasb
	jne skip
	testb %al, %al
	jnz 1b
	call *(%si)
	jmp prompt
skip:	/* to the NUL, past the handler */
	decw %si
1:	lodsb
	testb %al, %al
	jnz 1b
	leaw 2(%si), %bx
	cmpb $0, (%bx)
	jne try
	movw $what, %si
	call puts
	jmp prompt

ping:
	movw $pong, %si
	/* falls through */
puts:
	lodsb
	testb %al, %al
	jz 1f
	call putc
	jmp puts
1:	ret

putc:
	pushw %ax
	movw $COM1 + 5, %dx
1:	inb %dx, %al
	testb $0x20, %al /* transmitter empty */
	jz 1b
	movw $COM1, %dx
	popw %ax
	outb %al, %dx
	ret

getc:
	cli
	movw $COM1 + 5, %dx
	inb %dx, %al
	testb $1, %al /* data ready */
	jnz 1f
	sti
	hlt /* sti lets no interrupt in before it */
	jmp getc
1:	movw $COM1, %dx
	inb %dx, %al
	ret

spin:
	movw $COM1 + 5, %dx
1:	movw $0xffff, %cx
2:	loop 2b
	inb %dx, %al
	testb $1, %al
	jz 1b
	ret

off:
	movw $0x604, %dx /* PM1a control: sleep type 0 (S5), sleep enable */
	movw $0x2000, %ax
	outw %ax, %dx
	jmp stop
reset:
	movb $6, %al /* reset control: hard */
	movw $0xcf9, %dx
	outb %al, %dx
	jmp stop
panic:
	movw $0x505, %dx
	movb $1, %al
	outb %al, %dx
	ret
bite:
	movw $0x443, %dx /* armed: 2 s */
	movb $0xe, %al
	outb %al, %dx
	ret
fill:
	movb $0x81, %dl
	movw $packet, %si
	movw $0x4300, %ax /* extended write */
	int $0x13
	movb $'!', %al
	jc putc
	movb $'.', %al
	call putc
	addw $64, packet + 8
	adcw $0, packet + 10
	movw $COM1 + 5, %dx
	inb %dx, %al
	testb $1, %al
	jz fill
	ret
stop:
	hlt
	jmp stop

irq:
	pushw %ax
	movb $0x20, %al
	outb %al, $0x20
	popw %ax
	iret

uart: /* low byte of the register's port, value */
	.byte 0xfb, 0x80 /* divisor latch */
	.byte 0xf8, 1	 /* 115200 */
	.byte 0xf9, 0
	.byte 0xfb, 3	 /* 8N1 */
	.byte 0xfa, 1	 /* FIFO */
	.byte 0xfc, 0x0b /* DTR, RTS, interrupt line */
	.byte 0xf9, 1	 /* interrupt on data */
	.byte 0

packet:	.word 16, 64, 0x8000, 0, 0, 0, 0, 0 /* size, sectors, from offset, segment; to block */
banner:	.asciz "\r\nhvmux test guest: boot sector, COM1\r\n"
ps1:	.asciz "> "
crlf:	.asciz "\r\n"
erase:	.asciz "\b \b"
what:	.asciz "?\r\n"
pong:	.asciz "pong\r\n"
commands:
	.asciz "ping"
	.word ping
	.asciz "spin"
	.word spin
	.asciz "off"
	.word off
	.asciz "reset"
	.word reset
	.asciz "panic"
	.word panic
	.asciz "bite"
	.word bite
	.asciz "fill"
	.word fill
	.byte 0

	.org 510
	.word 0xaa55
