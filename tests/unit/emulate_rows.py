#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Write emulate_rows_move.h and emulate_rows_alu.h: encodings for test_emulate.c, assembled by GNU as.

Each row is an instruction in 64-bit code, the status flags that the architecture leaves undefined
after it, and how the registers are to be prepared. The expected results are not here: the test
gets them from the processor it runs on. Usage: emulate_rows.py FOLDER
"""
import pathlib
import re
import subprocess
import sys
import tempfile

CF, PF, AF, ZF, SF, OF = 1, 4, 0x10, 0x40, 0x80, 0x800
rows = []  # (text, undefined flags, traits)
SIZES = {1: ('byte', 'al', 'dl', 'r9b'), 2: ('word', 'ax', 'dx', 'r9w'),
         4: ('dword', 'eax', 'edx', 'r9d'), 8: ('qword', 'rax', 'rdx', 'r9')}
FORMS = ['[rbx]', '[rbx+0x10]', '[rbx+rcx*4]', '[rbx+rcx*8+0x180]', '[r12]', '[r13]',
         '[r13+rcx*2-8]', '[rbp-16]', '[rbp+r8]', '[rsp+8]', '[rsp+rcx]', '[rip+0x1800]',
         'gs:[0x40]', 'gs:[rcx*8+0x40]', '[ebx]', '[r13d+ecx*4+4]', 'ds:[rbx]', 'es:[rbx+1]',
         '[0x20001234]', '[rcx*8+0x20001238]', '[r12+r8*1+0x7f]', '[r12-0x80]']


def row(text, undefined=0, traits='0'):
    rows.append((text, undefined, traits))


def moves():
    for i, form in enumerate(FORMS):
        name, acc, reg, high = SIZES[1 << i % 4]
        row(f'mov {name} ptr {form}, {reg}')
        row(f'mov {high}, {name} ptr {form}')
    for size, (name, acc, reg, high) in SIZES.items():
        row(f'mov {reg}, {name} ptr [rbx]')
        row(f'mov {name} ptr [r12+4], 0x7b')
        row(f'mov {name} ptr [rbx], -2')
        row(f'movabs {acc}, ds:0x20001358')
        row(f'movabs ds:0x20001358, {acc}')
        row(f'mov {reg}, {high}')
    row('movabs rax, gs:0x158')
    for high in ('ah', 'ch', 'dh', 'bh'):
        row(f'mov byte ptr [rsi], {high}')
        row(f'mov {high}, byte ptr [rsi]')
    row('mov byte ptr [rbx], sil')
    row('mov dil, byte ptr [rbx]')
    for dst in ('dx', 'edx', 'rdx', 'r11d'):
        row(f'movzx {dst}, byte ptr [rbx+3]')
        row(f'movsx {dst}, byte ptr [rbx+3]')
    for dst in ('edx', 'rdx', 'r11'):
        row(f'movzx {dst}, word ptr [rbx+3]')
        row(f'movsx {dst}, word ptr [rbx+3]')
    row('movzx eax, bh')
    row('movsxd rdx, dword ptr [rbx]')
    row('movsxd r11, dword ptr [r13+4]')
    row('movnti [rbx], edx')
    row('movnti [rbx], r9')
    for reg in ('dx', 'edx', 'rdx', 'r9'):
        row(f'movbe {reg}, [rbx]')
        row(f'movbe [rbx], {reg}')
    for seg in ('ds', 'es', 'ss', 'cs', 'fs', 'gs'):
        row(f'mov [rbx], {seg}')
        row(f'mov edx, {seg}')
    row('mov edx, 0x80000001')
    row('movabs r9, 0x8123456789abcdef')
    row('mov r9b, 0x88')


def arithmetic():
    for op in ('add', 'or', 'adc', 'sbb', 'and', 'sub', 'xor', 'cmp'):
        undefined = AF if op in ('or', 'and', 'xor') else 0
        for size, (name, acc, reg, high) in SIZES.items():
            row(f'{op} {name} ptr [rbx], {reg}', undefined)
            row(f'{op} {reg}, {name} ptr [rbx+rcx*8]', undefined)
            row(f'{op} {name} ptr [r12], {"0x83" if size == 1 else "-125"}', undefined)
            if size > 1:
                row(f'{op} {name} ptr [rbx+8], {"0x7123" if size == 2 else "0x71234567"}',
                    undefined)
            row(f'{op} {acc}, {"0x43" if size == 1 else "0x4321"}', undefined)
            row(f'{op} {reg}, {high}', undefined)
            if op != 'cmp':
                row(f'lock {op} {name} ptr [rbx], {high}', undefined)
    row('lock xor dword ptr [rbx], -1', AF)
    for size, (name, acc, reg, high) in SIZES.items():
        row(f'test {name} ptr [rbx], {reg}', AF)
        row(f'test {name} ptr [rbx], 0x55', AF)
        row(f'test {acc}, 0x71', AF)
        for op in ('inc', 'dec', 'not', 'neg'):
            row(f'{op} {name} ptr [rbx]')
            row(f'{op} {reg}')
            row(f'lock {op} {name} ptr [r13+8]')
        for op in ('mul', 'imul'):
            row(f'{op} {name} ptr [rbx]', PF | AF | ZF | SF)
        for op in ('div', 'idiv'):
            row(f'{op} {name} ptr [rbx]', 0x8d5, 'DIVIDE')
            row(f'{op} {name} ptr [rbx]', 0x8d5, 'DIVIDE | SMALL_DIVIDEND')
    for reg in ('dx', 'edx', 'r9'):
        row(f'imul {reg}, [rbx]', PF | AF | ZF | SF)
        row(f'imul {reg}, [rbx], -7', PF | AF | ZF | SF)
        row(f'imul {reg}, [rbx], 0x1234', PF | AF | ZF | SF)


def shifts():
    for op in ('rol', 'ror', 'rcl', 'rcr', 'shl', 'shr', 'sar'):
        undefined = AF if op[0] == 's' else 0
        for size, (name, acc, reg, high) in SIZES.items():
            row(f'{op} {name} ptr [rbx], 1', undefined)
            row(f'{op} {name} ptr [rbx], 3', undefined | OF)
            row(f'{op} {name} ptr [rbx+rcx], cl', undefined | OF)
            row(f'{op} {reg}, {8 * size - 1}', undefined | OF)
            row(f'{op} {reg}, 0')
    for op in ('shld', 'shrd'):
        for reg in ('dx', 'edx', 'rdx'):
            row(f'{op} [rbx], {reg}, 1', AF)
            row(f'{op} [rbx], {reg}, 5', AF | OF)
            row(f'{op} [rbx], {reg}, cl', AF | OF)


def exchanges():
    for size, (name, acc, reg, high) in SIZES.items():
        for op in ('xchg', 'xadd', 'cmpxchg'):
            row(f'{op} {name} ptr [rbx], {reg}', 0, 'ACC_MAYBE' if op == 'cmpxchg' else '0')
            row(f'lock {op} {name} ptr [rbx+0x20], {high}', 0, 'ACC_MAYBE')
            if (op, size) != ('cmpxchg', 4):  # upper half on failure: processors differ
                row(f'{op} {high}, {reg}')
        row(f'xadd {reg}, {reg}')
    for prefix in ('', 'lock '):
        row(f'{prefix}cmpxchg8b [r12+8]', 0, 'PAIR_MAYBE')
        row(f'{prefix}cmpxchg16b [r12]', 0, 'PAIR_MAYBE')


def bits():
    for op in ('bt', 'bts', 'btr', 'btc'):
        for reg in ('dx', 'edx', 'rdx'):
            name = {'dx': 'word', 'edx': 'dword', 'rdx': 'qword'}[reg]
            row(f'{op} {name} ptr [rbx], {reg}', PF | AF | SF | OF, 'SMALL_DX')
            row(f'{op} {name} ptr [rbx+8], 13', PF | AF | SF | OF)
            row(f'{op} {reg}, 77', PF | AF | SF | OF)
            if op != 'bt':
                row(f'lock {op} {name} ptr [r12], {reg}', PF | AF | SF | OF, 'SMALL_DX')
    for op in ('bsf', 'bsr', 'tzcnt', 'lzcnt', 'popcnt'):
        undefined = {'b': CF | PF | AF | SF | OF, 'p': 0}.get(op[0], PF | AF | SF | OF)
        for reg in ('dx', 'edx', 'r9'):
            row(f'{op} {reg}, [rbx]', undefined, 'SPARSE')
    for cc in ('o', 'no', 'b', 'ae', 'e', 'ne', 'be', 'a', 's', 'ns', 'p', 'np', 'l', 'ge', 'le',
               'g'):
        row(f'set{cc} byte ptr [rbx]')
        row(f'cmov{cc} edx, [rbx]')
    row('cmovb rdx, [rbx]')
    row('cmovb dx, [rbx]')


def stack():
    for text in ('push qword ptr [rbx]', 'push word ptr [rbx]', 'push qword ptr [rsp+8]',
                 'pop qword ptr [rbx]', 'pop word ptr [rbx]', 'pop qword ptr [rsp+8]', 'push rdx',
                 'push rsp', 'push r9', 'push dx', 'push 0x1234', 'push -1', 'pop rdx', 'pop rsp',
                 'pop r9', 'pop dx'):
        row(text, 0, 'POP_RSP' if text == 'pop rsp' else '0')
    row('call qword ptr [rbx]', 0, 'TARGET')
    row('jmp qword ptr [rbx]', 0, 'TARGET')
    row('call rdx', 0, 'TARGET')


def strings():
    for suffix in 'bwdq':
        for op in ('movs', 'stos', 'lods'):
            row(f'{op}{suffix}', 0, 'STRING')
            row(f'rep {op}{suffix}', 0, 'STRING')
        for op in ('cmps', 'scas'):
            row(f'{op}{suffix}', 0, 'STRING')
            row(f'repe {op}{suffix}', 0, 'STRING | REPETITIVE')
            row(f'repne {op}{suffix}', 0, 'STRING | REPETITIVE')
    for text in ('.byte 0x67; movsb', '.byte 0x67; rep stosd', '.byte 0x67; rep movsq',
                 '.byte 0x67; lodsw', '.byte 0xf2; movsb', '.byte 0xf2; stosd'):
        row(text, 0, 'STRING')


def oddities():
    row('nop dword ptr [rbx]')
    row('prefetcht0 [rbx]')
    row('prefetchw [rbx]')
    row('clflush [rbx]')
    row('.byte 0x66; mov byte ptr [rbx], dl')      # 66 on a byte operand
    row('.byte 0x66, 0x48, 0x89, 0x13')            # REX.W wins over 66
    row('.byte 0x48, 0x66, 0x89, 0x13')            # a REX that is not last is void
    row('.byte 0xf3; mov dword ptr [rbx], edx')    # meaningless REP
    row('.byte 0xf2; mov dword ptr [rbx], edx')
    row('.byte 0x2e, 0x8b, 0x13')                  # CS override, ignored
    row('.byte 0x36, 0x8b, 0x13')                  # SS override, ignored
    row('.byte 0x40, 0x88, 0x23')                  # REX turns AH into SPL
    row('mov edx, [r8+r12*1+4]')                     # R12 as index
    row('.byte 0x41, 0x8b, 0x54, 0x24, 0x04')      # R12 as base needs a SIB byte
    row('.byte 0x8b, 0x14, 0x23')                  # index 4 is none
    row('.byte 0xc0, 0x33, 0x02', AF | OF)         # SAL, the undocumented encoding
    row('.byte 0xd1, 0x33', AF)


def assembled():
    with tempfile.TemporaryDirectory() as folder:
        source = '.intel_syntax noprefix\n'
        for i, (text, _, _) in enumerate(rows):
            source += f'.section .r{i},"ax"\n{text}\n'
        open(folder + '/a.s', 'w').write(source)
        subprocess.run(['as', '-o', folder + '/a.o', folder + '/a.s'], check=True)
        sections = subprocess.run(['objdump', '-s', folder + '/a.o'], check=True, text=True,
                                  capture_output=True).stdout
    code = {}
    for block in re.split(r'Contents of section ', sections)[1:]:
        name = block.split(':')[0]
        data = ''.join(''.join(line[1:].split('  ')[0].split(' ')[1:])
                       for line in block.splitlines()[1:])
        code[name] = bytes.fromhex(data)
    return code


def write(path, *makers):
    rows.clear()
    for make in makers:
        make()
    code = assembled()
    lines = ['/* SPDX-License-Identifier: GPL-2.0-only */',
             '/* Written by emulate_rows.py: name, bytes, undefined flags, traits. */']
    for i, (text, undefined, traits) in enumerate(rows):
        data = code[f'.r{i}']
        text = text.replace('"', '')
        escaped = ''.join(f'\\x{b:02x}' for b in data)
        lines.append(f'{{"{text}", "{escaped}", {len(data)}, 0x{undefined:x}, {traits}}},')
    path.write_text('\n'.join(lines) + '\n')


folder = pathlib.Path(sys.argv[1])
write(folder / 'emulate_rows_move.h', moves, exchanges, stack, strings, oddities)
write(folder / 'emulate_rows_alu.h', arithmetic, shifts, bits)
