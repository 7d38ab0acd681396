"""Native stubs of the host: a syscall that no signal can slip past, and the handler of every host signal that a guest handles.

The race to close: a signal arrives after we looked for one and before the kernel blocks us. ``call`` looks at the vCPU's request word
inside a *window* that ends with the syscall instruction; when a signal lands in that window, the handler moves the interrupted PC to an exit
that returns ``-ERESTARTSYS``. So either the kernel sees the signal (-EINTR) or the syscall never starts.

Interleavings, with W the window, S the syscall instruction:
1. signal before W: the handler sets the request bit, W sees it, -ERESTARTSYS.
2. signal inside W, S included as long as it has not been executed: the PC is moved, -ERESTARTSYS.
3. signal while the kernel blocks: the kernel runs the handler and gives -EINTR (handlers are installed without SA_RESTART).
4. signal after S: the result stands; the request bit makes the vCPU return at once.

The handler finds its thread's *signal block* by thread id, copies the siginfo into the block's ring and sets bit 0 of the vCPU's request word.
All host signals are blocked while it runs, so a ring has one writer, and its reader is the same thread. The record that fills the ring leaves all signals
blocked in the interrupted context, so that the kernel keeps those that follow; the reader, once it has emptied the ring, sets the thread's mask again.

The code is kept as bytes, so that no assembler is needed at start; a test assembles the source and compares.
"""

from __future__ import annotations

BLOCK_BYTES = 4096  # a signal block: one a guest thread
BLOCK_TID = 0  # thread id, 0 when free
BLOCK_REQUEST = 8  # host address of the request word
BLOCK_HEAD = 16  # entries written so far
BLOCK_TAIL = 24  # entries read so far
BLOCK_RING = 2048  # 32 entries
RING_ENTRIES = 32
RING_ENTRY_BYTES = 64  # the part of siginfo that carries data
DIRECTORY_PLACEHOLDER = 0x1122334455667788  # replaced by the address of {first block, end of blocks}

# Entry points, as offsets into the code.
CALL, HANDLER, RESTORER, CLEAR_BITS = 0, 64, 224, 240

# call(nr, a1..a6, request): -512 if a signal or a stop is requested, else the kernel's result.
# clear_bits(word, bits): atomically clear bits of a 32-bit word.
X86_64_SOURCE = """
call:
  mov rax, rdi
  mov rdi, rsi
  mov rsi, rdx
  mov rdx, rcx
  mov r10, r8
  mov r8, r9
  mov r9, [rsp+8]
  mov r11, [rsp+16]
window:
  test dword ptr [r11], 3
  jne interrupted
  syscall
window_end:
  ret
interrupted:
  mov rax, -512
  ret
.org 64
handler:
  movabs r8, 0x1122334455667788
  mov r9, [r8+8]
  mov r8, [r8]
  mov eax, 186
  syscall
find:
  cmp r8, r9
  jae rewind
  cmp [r8], eax
  je found
  add r8, 4096
  jmp find
found:
  mov rcx, [r8+16]
  mov r10, rcx
  sub r10, [r8+24]
  cmp r10, 32
  jae full
  and ecx, 31
  shl ecx, 6
  lea rdi, [r8+rcx+2048]
  mov ecx, 8
  rep movsq
  inc qword ptr [r8+16]
  cmp r10, 31
  jb full
  mov qword ptr [rdx+296], -1
full:
  mov rcx, [r8+8]
  lock or dword ptr [rcx], 1
rewind:
  mov rcx, [rdx+168]
  lea r10, [rip+window]
  cmp rcx, r10
  jb done
  lea r10, [rip+window_end]
  cmp rcx, r10
  jae done
  lea r10, [rip+interrupted]
  mov [rdx+168], r10
done:
  ret
.org 224
restorer:
  mov eax, 15
  syscall
.org 240
clear_bits:
  not rsi
  lock and dword ptr [rdi], esi
  ret
"""

X86_64_CODE = bytes.fromhex(
    "4889f84889f74889d64889ca4d89c24d89c84c8b4c24084c8b5c241041f7030300000075030f05c348c7c000feffffc300000000000000000000000000000000"
    "49b888776655443322114d8b48084d8b00b8ba0000000f054d39c8735241390074094981c000100000ebed498b48104989ca4d2b50184983fa20732b83e11fc1"
    "e106498dbc0800080000b908000000f348a549ff40104983fa1f720b48c78228010000ffffffff498b4808f0830901488b8aa80000004c8d155fffffff4c39d1"
    "721a4c8d155effffff4c39d1730e4c8d1553ffffff4c8992a8000000c3000000b80f0000000f0500000000000000000048f7d6f02137c3"
)

_CODE = {"x86_64": X86_64_CODE}


def stub_code(machine: str, directory: int) -> bytes:
    """The stubs for the host *machine*, with the directory's address filled in; KeyError if the host is not supported."""
    code = _CODE[machine]
    return code.replace(DIRECTORY_PLACEHOLDER.to_bytes(8, "little"), directory.to_bytes(8, "little"))
