"""What is to be written to a file, in pieces: a large state is not copied into one."""

from __future__ import annotations

__all__ = ["Content"]


class Content:
    """Bytes in pieces; something to be written to like a file."""

    def __init__(self, piece: bytes = b"") -> None:
        self.pieces: list[bytes] = [piece] if piece else []

    def write(self, piece: bytes | bytearray | memoryview) -> int:
        """Add a piece. One that may be changed later is copied."""
        self.pieces.append(piece if type(piece) is bytes else bytes(piece))
        return len(piece)

    def __len__(self) -> int:
        return sum(map(len, self.pieces))

    def __bytes__(self) -> bytes:
        return b"".join(self.pieces)
