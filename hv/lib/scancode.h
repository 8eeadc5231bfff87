/* SPDX-License-Identifier: GPL-2.0-only */
/* Scancode: keyboards' scan code sets 1 and 2 and Linux's key codes. Pure tables. Source: IBM
 * Personal System/2 Hardware Technical Reference, "Keyboard" and "Keyboard and Auxiliary Device
 * Controller" (the translation). */
#ifndef LIB_SCANCODE_H
#define LIB_SCANCODE_H

#include <stdbool.h>
#include <stdint.h>

#define SCANCODE_EXTENDED 0xe0 /* prefix of both sets */
#define SCANCODE_PAUSE 0xe1    /* E1 1D 45, then E1 9D C5; set 2: E1 14 77, then E1 F0 14 F0 77 */
#define SCANCODE_RELEASE2 0xf0 /* prefix of set 2 */
#define SCANCODE_RELEASE1 0x80 /* bit of set 1 */
#define SCANCODE_KEY_PAUSE 119

/* As the 8042 translates a byte of set 2 to set 1; from 0x85 on bytes stay what they are. 0: no
 * key. */
uint8_t scancode_translate(uint8_t set2);
/* The code of set 2 which is translated to this of set 1, 0: none. */
uint8_t scancode_untranslate(uint8_t set1);
/* Code of set 1 (below 0x80; behind E0) to a key, 0: none. */
uint16_t scancode_key(bool extended, uint8_t set1);
/* The other way, 0: no keyboard of that time had this key. */
uint8_t scancode_of_key(uint16_t key, bool *extended);

#endif
