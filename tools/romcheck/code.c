// SPDX-License-Identifier: GPL-2.0-only
/* Code. */
#include <stdio.h>
#include <string.h>
#include "code.h"

int code_open(struct code *c, const struct rom *rom)
{
	memset(c, 0, sizeof(*c));
	c->rom = rom;
	if (cs_open(CS_ARCH_X86, CS_MODE_32, &c->handle) != CS_ERR_OK)
		return -1;
	cs_option(c->handle, CS_OPT_DETAIL, CS_OPT_ON);
	return 0;
}

void code_close(struct code *c)
{
	for (unsigned i = 0; i < CODE_CACHE; i++)
		if (c->cache[i].insn)
			cs_free(c->cache[i].insn, 1);
	cs_close(&c->handle);
}

const cs_insn *code_at(struct code *c, uint32_t offset)
{
	const uint8_t *at = c->rom->data + offset;
	unsigned n = offset & (CODE_CACHE - 1);
	uint64_t address = offset;
	size_t left;

	if (offset >= c->rom->code_bytes)
		return NULL;
	if (c->cache[n].valid && c->cache[n].offset == offset)
		return c->cache[n].good ? c->cache[n].insn : NULL;
	if (!c->cache[n].insn)
		c->cache[n].insn = cs_malloc(c->handle);
	if (!c->cache[n].insn)
		return NULL;
	left = c->rom->code_bytes - offset;
	c->cache[n].valid = true;
	c->cache[n].offset = offset;
	c->cache[n].good = cs_disasm_iter(c->handle, &at, &left, &address, c->cache[n].insn);
	return c->cache[n].good ? c->cache[n].insn : NULL;
}

int code_register(unsigned reg)
{
	static const struct {
		uint16_t reg;
		int8_t number;
	} map[] = {
		{X86_REG_EAX, R_EAX}, {X86_REG_AX, R_EAX},  {X86_REG_AL, R_EAX},
		{X86_REG_AH, R_EAX},  {X86_REG_ECX, R_ECX}, {X86_REG_CX, R_ECX},
		{X86_REG_CL, R_ECX},  {X86_REG_CH, R_ECX},  {X86_REG_EDX, R_EDX},
		{X86_REG_DX, R_EDX},  {X86_REG_DL, R_EDX},  {X86_REG_DH, R_EDX},
		{X86_REG_EBX, R_EBX}, {X86_REG_BX, R_EBX},  {X86_REG_BL, R_EBX},
		{X86_REG_BH, R_EBX},  {X86_REG_ESP, R_ESP}, {X86_REG_SP, R_ESP},
		{X86_REG_EBP, R_EBP}, {X86_REG_BP, R_EBP},  {X86_REG_ESI, R_ESI},
		{X86_REG_SI, R_ESI},  {X86_REG_EDI, R_EDI}, {X86_REG_DI, R_EDI},
	};

	for (unsigned i = 0; i < sizeof(map) / sizeof(map[0]); i++)
		if (map[i].reg == reg)
			return map[i].number;
	return -1;
}

int code_condition(unsigned id)
{
	static const uint16_t jumps[16] = {X86_INS_JO, X86_INS_JNO, X86_INS_JB,	 X86_INS_JAE,
					   X86_INS_JE, X86_INS_JNE, X86_INS_JBE, X86_INS_JA,
					   X86_INS_JS, X86_INS_JNS, X86_INS_JP,	 X86_INS_JNP,
					   X86_INS_JL, X86_INS_JGE, X86_INS_JLE, X86_INS_JG};

	for (unsigned i = 0; i < 16; i++)
		if (jumps[i] == id)
			return i;
	return -1;
}
