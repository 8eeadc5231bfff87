// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arithmetic with the six status flags, as pure functions of the operands.
 *
 * Where the architecture leaves a flag undefined, these functions give one of the values that
 * processors give; tests do not look at it.
 */
#include "emulate_priv.h"

uint64_t result_flags(unsigned size, uint64_t result)
{
	uint64_t flags = 0;
	unsigned low = (result ^ result >> 4) & 15;

	if ((0x9669 >> low) & 1) /* even parity of the low byte */
		flags |= FLAG_PF;
	if (!result)
		flags |= FLAG_ZF;
	if (result & sign_bit(size))
		flags |= FLAG_SF;
	return flags;
}

static uint64_t add(unsigned size, uint64_t a, uint64_t b, uint64_t carry, uint64_t *status)
{
	uint64_t r = (a + b + carry) & size_mask(size);
	uint64_t sign = sign_bit(size);
	uint64_t flags = result_flags(size, r) | ((a ^ b ^ r) & FLAG_AF);

	if (((a & b) | ((a | b) & ~r)) & sign)
		flags |= FLAG_CF;
	if ((a ^ r) & (b ^ r) & sign)
		flags |= FLAG_OF;
	*status = flags;
	return r;
}

static uint64_t sub(unsigned size, uint64_t a, uint64_t b, uint64_t borrow, uint64_t *status)
{
	uint64_t r = (a - b - borrow) & size_mask(size);
	uint64_t sign = sign_bit(size);
	uint64_t flags = result_flags(size, r) | ((a ^ b ^ r) & FLAG_AF);

	if (((~a & b) | ((~a | b) & r)) & sign)
		flags |= FLAG_CF;
	if ((a ^ b) & (a ^ r) & sign)
		flags |= FLAG_OF;
	*status = flags;
	return r;
}

uint64_t alu(enum alu_op op, unsigned size, uint64_t a, uint64_t b, uint64_t *status)
{
	uint64_t r;

	switch (op) {
	case ALU_ADD:
		return add(size, a, b, 0, status);
	case ALU_ADC:
		return add(size, a, b, *status & FLAG_CF, status);
	case ALU_SUB:
	case ALU_CMP:
		return sub(size, a, b, 0, status);
	case ALU_SBB:
		return sub(size, a, b, *status & FLAG_CF, status);
	case ALU_OR:
		r = a | b;
		break;
	case ALU_AND:
		r = a & b;
		break;
	default:
		r = a ^ b;
		break;
	}
	*status = result_flags(size, r);
	return r;
}

static uint64_t rotate_left(unsigned bits, uint64_t value, unsigned count)
{
	if (!count)
		return value;
	return (value << count | value >> (bits - count)) & (~0ull >> (64 - bits));
}

/* ROL, ROR: only CF and OF change. */
static uint64_t rotate(bool left, unsigned size, uint64_t value, unsigned count, uint64_t *status)
{
	unsigned bits = 8 * size;
	uint64_t r = rotate_left(bits, value, left ? count % bits : (bits - count % bits) % bits);
	uint64_t top = r >> (bits - 1) & 1;
	uint64_t carry = left ? r & 1 : top;
	uint64_t over = left ? top ^ carry : top ^ (r >> (bits - 2) & 1);

	*status = (*status & ~(FLAG_CF | FLAG_OF)) | carry | (over ? FLAG_OF : 0);
	return r;
}

/* RCL, RCR: a rotation of size * 8 + 1 bits, one bit at a time. */
static uint64_t rotate_carry(bool left, unsigned size, uint64_t value, unsigned count,
			     uint64_t *status)
{
	unsigned bits = 8 * size;
	uint64_t carry = *status & FLAG_CF;
	uint64_t over, out;

	for (count %= bits + 1; count; count--) {
		if (left) {
			out = value >> (bits - 1) & 1;
			value = (value << 1 | carry) & size_mask(size);
		} else {
			out = value & 1;
			value = value >> 1 | carry << (bits - 1);
		}
		carry = out;
	}
	over = value >> (bits - 1) & 1;
	over ^= left ? carry : value >> (bits - 2) & 1;
	*status = (*status & ~(FLAG_CF | FLAG_OF)) | carry | (over ? FLAG_OF : 0);
	return value;
}

static uint64_t shift_left(unsigned size, uint64_t value, unsigned count, uint64_t *status)
{
	unsigned bits = 8 * size;
	uint64_t r = (value << count) & size_mask(size);
	uint64_t carry = count <= bits ? value >> (bits - count) & 1 : 0;
	uint64_t over = (r >> (bits - 1) & 1) ^ carry;

	*status = result_flags(size, r) | carry | (over ? FLAG_OF : 0);
	return r;
}

static uint64_t shift_right(bool arithmetic, unsigned size, uint64_t value, unsigned count,
			    uint64_t *status)
{
	uint64_t wide = arithmetic ? (uint64_t)sign_extend(value, size) : value;
	uint64_t carry = arithmetic ? (uint64_t)((int64_t)wide >> (count - 1)) & 1
				    : wide >> (count - 1) & 1;
	uint64_t r = arithmetic ? (uint64_t)((int64_t)wide >> count) : wide >> count;

	r &= size_mask(size);
	*status = result_flags(size, r) | carry;
	if (!arithmetic && value & sign_bit(size))
		*status |= FLAG_OF;
	return r;
}

uint64_t shift(unsigned op, unsigned size, uint64_t value, unsigned count, uint64_t *status)
{
	count &= size == 8 ? 63 : 31;
	if (!count)
		return value;
	switch (op) {
	case 0:
	case 1:
		return rotate(op == 0, size, value, count, status);
	case 2:
	case 3:
		return rotate_carry(op == 2, size, value, count, status);
	case 5:
		return shift_right(false, size, value, count, status);
	case 7:
		return shift_right(true, size, value, count, status);
	default:
		return shift_left(size, value, count, status);
	}
}

uint64_t shift_double(bool left, unsigned size, uint64_t value, uint64_t fill, unsigned count,
		      uint64_t *status)
{
	unsigned bits = 8 * size;
	uint64_t r, carry;

	count &= size == 8 ? 63 : 31;
	if (!count)
		return value;
	if (count > bits) /* 16 bits: result undefined; processors go on into the other operand */
		return shift_double(left, size, fill, value, count - bits, status);
	if (left) {
		carry = value >> (bits - count) & 1;
		r = count == bits ? fill : value << count | fill >> (bits - count);
	} else {
		carry = value >> (count - 1) & 1;
		r = count == bits ? fill : value >> count | fill << (bits - count);
	}
	r &= size_mask(size);
	*status = result_flags(size, r) | carry;
	if ((r ^ value) & sign_bit(size))
		*status |= FLAG_OF;
	return r;
}

bool condition(unsigned code, uint64_t f)
{
	bool less = !(f & FLAG_SF) != !(f & FLAG_OF);
	bool r;

	switch (code >> 1 & 7) {
	case 0:
		r = f & FLAG_OF;
		break;
	case 1:
		r = f & FLAG_CF;
		break;
	case 2:
		r = f & FLAG_ZF;
		break;
	case 3:
		r = f & (FLAG_CF | FLAG_ZF);
		break;
	case 4:
		r = f & FLAG_SF;
		break;
	case 5:
		r = f & FLAG_PF;
		break;
	case 6:
		r = less;
		break;
	default:
		r = less || f & FLAG_ZF;
		break;
	}
	return r != (code & 1);
}
