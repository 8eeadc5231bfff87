/* SPDX-License-Identifier: GPL-2.0-only */
/* DSDT: the machine that Postern's guests see, as far as tables cannot say it. Numbers repeat those
 * of pm.h (sleep type, ports), pci.h (ECAM), pit.h, rtc.h and uart.c; the tests compare the sleep type. */
DefinitionBlock ("", "DSDT", 2, "POSTRN", "POSTERN ", 1)
{
	/* Which interrupt controllers the system uses: 0 the 8259s, 1 the IO-APIC. */
	Name (\PICM, 0)
	Method (\_PIC, 1)
	{
		PICM = Arg0
	}

	Name (\_S5, Package () { 5, 5, 0, 0 })

	Scope (\_SB)
	{
		Device (PCI0)
		{
			Name (_HID, EisaId ("PNP0A08"))
			Name (_CID, EisaId ("PNP0A03"))
			Name (_UID, 0)
			Name (_BBN, 0)
			Name (_SEG, 0)
			Name (_CRS, ResourceTemplate ()
			{
				WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode,
					0, 0, 0, 0, 1)
				IO (Decode16, 0xCF8, 0xCF8, 1, 8)
				WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange,
					0, 0x0000, 0x0CF7, 0, 0x0CF8)
				WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange,
					0, 0x0D00, 0xFFFF, 0, 0xF300)
				DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed,
					NonCacheable, ReadWrite,
					0, 0xE1000000, 0xFEBFFFFF, 0, 0x1DC00000)
			})
			/* Pin p of slot s reaches wire (s + p) mod 4: pci.h. */
			Name (PRTA, Package ()
			{
				Package () { 0x0000FFFF, 0, 0, 16 }, Package () { 0x0000FFFF, 1, 0, 17 }, Package () { 0x0000FFFF, 2, 0, 18 }, Package () { 0x0000FFFF, 3, 0, 19 },
				Package () { 0x0001FFFF, 0, 0, 17 }, Package () { 0x0001FFFF, 1, 0, 18 }, Package () { 0x0001FFFF, 2, 0, 19 }, Package () { 0x0001FFFF, 3, 0, 16 },
				Package () { 0x0002FFFF, 0, 0, 18 }, Package () { 0x0002FFFF, 1, 0, 19 }, Package () { 0x0002FFFF, 2, 0, 16 }, Package () { 0x0002FFFF, 3, 0, 17 },
				Package () { 0x0003FFFF, 0, 0, 19 }, Package () { 0x0003FFFF, 1, 0, 16 }, Package () { 0x0003FFFF, 2, 0, 17 }, Package () { 0x0003FFFF, 3, 0, 18 },
				Package () { 0x0004FFFF, 0, 0, 16 }, Package () { 0x0004FFFF, 1, 0, 17 }, Package () { 0x0004FFFF, 2, 0, 18 }, Package () { 0x0004FFFF, 3, 0, 19 },
				Package () { 0x0005FFFF, 0, 0, 17 }, Package () { 0x0005FFFF, 1, 0, 18 }, Package () { 0x0005FFFF, 2, 0, 19 }, Package () { 0x0005FFFF, 3, 0, 16 },
				Package () { 0x0006FFFF, 0, 0, 18 }, Package () { 0x0006FFFF, 1, 0, 19 }, Package () { 0x0006FFFF, 2, 0, 16 }, Package () { 0x0006FFFF, 3, 0, 17 },
				Package () { 0x0007FFFF, 0, 0, 19 }, Package () { 0x0007FFFF, 1, 0, 16 }, Package () { 0x0007FFFF, 2, 0, 17 }, Package () { 0x0007FFFF, 3, 0, 18 }
			})
			Name (PRTP, Package ()
			{
				Package () { 0x0000FFFF, 0, 0, 10 }, Package () { 0x0000FFFF, 1, 0, 11 }, Package () { 0x0000FFFF, 2, 0, 10 }, Package () { 0x0000FFFF, 3, 0, 11 },
				Package () { 0x0001FFFF, 0, 0, 11 }, Package () { 0x0001FFFF, 1, 0, 10 }, Package () { 0x0001FFFF, 2, 0, 11 }, Package () { 0x0001FFFF, 3, 0, 10 },
				Package () { 0x0002FFFF, 0, 0, 10 }, Package () { 0x0002FFFF, 1, 0, 11 }, Package () { 0x0002FFFF, 2, 0, 10 }, Package () { 0x0002FFFF, 3, 0, 11 },
				Package () { 0x0003FFFF, 0, 0, 11 }, Package () { 0x0003FFFF, 1, 0, 10 }, Package () { 0x0003FFFF, 2, 0, 11 }, Package () { 0x0003FFFF, 3, 0, 10 },
				Package () { 0x0004FFFF, 0, 0, 10 }, Package () { 0x0004FFFF, 1, 0, 11 }, Package () { 0x0004FFFF, 2, 0, 10 }, Package () { 0x0004FFFF, 3, 0, 11 },
				Package () { 0x0005FFFF, 0, 0, 11 }, Package () { 0x0005FFFF, 1, 0, 10 }, Package () { 0x0005FFFF, 2, 0, 11 }, Package () { 0x0005FFFF, 3, 0, 10 },
				Package () { 0x0006FFFF, 0, 0, 10 }, Package () { 0x0006FFFF, 1, 0, 11 }, Package () { 0x0006FFFF, 2, 0, 10 }, Package () { 0x0006FFFF, 3, 0, 11 },
				Package () { 0x0007FFFF, 0, 0, 11 }, Package () { 0x0007FFFF, 1, 0, 10 }, Package () { 0x0007FFFF, 2, 0, 11 }, Package () { 0x0007FFFF, 3, 0, 10 }
			})
			Method (_PRT)
			{
				If (PICM)
				{
					Return (PRTA)
				}
				Return (PRTP)
			}
			/* Lets the system use what MCFG offers. */
			Method (_OSC, 4)
			{
				Return (Arg3)
			}
		}

		Device (MBRD)
		{
			Name (_HID, EisaId ("PNP0C02"))
			Name (_CRS, ResourceTemplate ()
			{
				Memory32Fixed (ReadOnly, 0xE0000000, 0x00100000)
				IO (Decode16, 0x0600, 0x0600, 1, 0x0C)
			})
		}

		Device (RTC0)
		{
			Name (_HID, EisaId ("PNP0B00"))
			Name (_CRS, ResourceTemplate ()
			{
				IO (Decode16, 0x0070, 0x0070, 1, 2)
				IRQNoFlags () { 8 }
			})
		}

		Device (COM1)
		{
			Name (_HID, EisaId ("PNP0501"))
			Name (_UID, 1)
			Name (_CRS, ResourceTemplate ()
			{
				IO (Decode16, 0x03F8, 0x03F8, 1, 8)
				IRQNoFlags () { 4 }
			})
		}
	}
}
