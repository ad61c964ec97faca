//! Brotli (RFC 7932) with a limit to its window: a stream may ask for 16 MiB of history, and what is
//! read of a page never needs more than its own length.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use brotli_decompressor::writer::DecompressorWriterCustomAlloc;
use brotli_decompressor::{Allocator, StandardAlloc};

use super::body::ALL;

/// Bytes that the decoder hands on at a time.
const STEP: usize = 16 * 1024;
/// What the decoder wants besides its window.
const SLACK: usize = 64 * 1024;

type Memory = <StandardAlloc as Allocator<u8>>::AllocatedMemory;
type Inner<W> = DecompressorWriterCustomAlloc<W, Memory, Limited, StandardAlloc, StandardAlloc>;

/// A decoder that writes to `W`.
pub(super) struct Brotli<W: Write> {
    inner: Inner<W>,
    over: Arc<AtomicBool>,
}

/// Gives out memory in pieces of at most that size.
struct Limited {
    most: usize,
    over: Arc<AtomicBool>,
}

impl Allocator<u8> for Limited {
    type AllocatedMemory = Memory;

    fn alloc_cell(&mut self, length: usize) -> Memory {
        if length > self.most {
            self.over.store(true, Ordering::Relaxed);
            // Nothing is how this interface refuses.
            return Memory::default();
        }
        StandardAlloc::default().alloc_cell(length)
    }

    fn free_cell(&mut self, _memory: Memory) {}
}

impl<W: Write> Brotli<W> {
    /// For a page of which `keep` bytes are kept: the window is as long as any page that is read, and
    /// half of that where the page is not kept.
    pub(super) fn new(to: W, keep: usize) -> Self {
        let window = if keep >= ALL { ALL } else { ALL / 2 };
        let over = Arc::new(AtomicBool::new(false));
        let limited = Limited {
            most: window + SLACK,
            over: over.clone(),
        };
        let mut free = StandardAlloc::default();
        let buffer = <StandardAlloc as Allocator<u8>>::alloc_cell(&mut free, STEP);
        let inner = Inner::new(to, buffer, limited, free, StandardAlloc::default());
        Self { inner, over }
    }

    /// The page wanted a longer window: it is longer than what is read.
    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    pub(super) fn get_mut(&mut self) -> &mut W {
        self.inner.get_mut()
    }

    /// The end of the stream: what is still inside comes out, and an unfinished one is an error.
    pub(super) fn close(&mut self) -> io::Result<()> {
        self.inner.close()
    }
}

impl<W: Write> Write for Brotli<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
