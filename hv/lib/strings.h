/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LIB_STRINGS_H
#define LIB_STRINGS_H
#include "string.h"
#endif
