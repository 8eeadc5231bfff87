// SPDX-License-Identifier: GPL-2.0-only
// A small machine: one root bus with a table that depends on _PIC, three links, a bridge with a table of
// its own (2nd bus) and one without (3rd bus).
DefinitionBlock ("acpi_test.aml", "DSDT", 2, "TEST", "TESTTEST", 1)
{
    Name (\_S5, Package () { 5, 5, 0, 0 })
    Name (PICM, 0)
    Method (\_PIC, 1) { PICM = Arg0 }

    Scope (\_SB)
    {
        // A link that firmware left at 10, a link that firmware left off, a wire that cannot change.
        Name (LAIR, 10)
        Name (LBIR, 0)
        Name (LASR, 0)
        Name (BUFX, ResourceTemplate () { IRQ (Level, ActiveLow, Shared) { 3 } })
        Device (LNKA)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 1)
            Name (_PRS, ResourceTemplate () { IRQ (Level, ActiveLow, Shared) { 3, 5, 10, 11 } })
            Method (_CRS, 0, Serialized)
            {
                Name (B, ResourceTemplate () { IRQ (Level, ActiveLow, Shared) { 0 } })
                CreateWordField (B, 1, MASK)
                MASK = 1 << LAIR
                Return (B)
            }
            Method (_SRS, 1, Serialized)
            {
                CreateWordField (Arg0, 1, MASK)
                FindSetRightBit (MASK, LAIR)
                LAIR--
                LASR++
            }
            Method (_DIS) { LAIR = 0 }
        }
        Device (LNKB)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 2)
            Name (_PRS, ResourceTemplate () {
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 10, 11, 21 } })
            Method (_CRS, 0, Serialized)
            {
                Name (B, ResourceTemplate () {
                    Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 0 } })
                CreateDWordField (B, 5, INTR)
                INTR = LBIR
                Return (B)
            }
            Method (_SRS, 1, Serialized)
            {
                CreateDWordField (Arg0, 5, INTR)
                LBIR = INTR
            }
        }
        Device (FIXD)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 3)
            Name (_CRS, ResourceTemplate () {
                Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 23 } })
        }
        Device (DEAD)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 4)
            Method (_CRS) { Return (Buffer () { 1, 2, 3 }) }
        }

        Device (PCI0)
        {
            Name (_HID, EisaId ("PNP0A08"))
            Name (_CID, EisaId ("PNP0A03"))
            Name (_BBN, 0)
            Method (_PRT)
            {
                If (!PICM) { Return (Package () { Package () { 0x1FFFF, 0, 0, 5 } }) }
                Return (Package () {
                    Package () { 0x0001FFFF, 0, LNKA, 0 },
                    Package () { 0x0001FFFF, 1, \_SB.LNKB, 0 },
                    Package () { 0x0001FFFF, 2, 0, 18 },
                    Package () { 0x0001FFFF, 3, FIXD, 0 },
                    Package () { 0x0002FFFF, 0, 0, 40 },
                    Package () { 0x0002FFFF, 1, 0, 41 },
                    Package () { 0x0002FFFF, 2, 0, 42 },
                    Package () { 0x0002FFFF, 3, 0, 43 },
                    Package () { 0x0003FFFF, 0, DEAD, 0 },
                })
            }
            Device (BRG1)
            {
                Name (_ADR, 0x001C0000)
                Name (_PRT, Package () {
                    Package () { 0xFFFF, 0, 0, 30 },
                    Package () { 0xFFFF, 1, 0, 31 },
                })
            }
            Device (BRG2) { Name (_ADR, 0x00020000) }
        }
    }
}
